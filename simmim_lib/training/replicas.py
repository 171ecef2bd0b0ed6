"""What each of several replicas takes of a batch, and how they put their shares together again.

Of all replicas' logits each works out the same losses, so that a step is what it would be on one
device, also where a loss is no mean over examples, as information is not.
"""

from simmim_lib.losses import Tensor


def share(whole: Tensor) -> Tensor:
    """Return this replica's share of a batch, (seeds, n, ...): of n examples, whole ones."""
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    replicas = context.num_replicas_in_sync
    if replicas == 1:
        return whole
    examples = tf.shape(whole)[1]
    position = context.replica_id_in_sync_group
    return whole[:, examples * position // replicas : examples * (position + 1) // replicas]


def gather(part: Tensor) -> Tensor:
    """Put the shares of all replicas together again, (seeds, n, ...).

    All replicas find the same slopes of the same losses, so each goes back with those of its own
    share, and the optimizer's sum over replicas is the gradient of the whole batch.
    """
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return part
    return tf.custom_gradient(lambda given: (context.all_gather(given, 1), share))(part)
