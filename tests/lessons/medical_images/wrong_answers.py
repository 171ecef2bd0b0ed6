"""Wrong answers to the exercises of lesson 06, and words of the message that refuses each."""


def _shares(result: str) -> str:
    return (
        "def sensitivity_and_specificity(counts):\n"
        f"    (cleared, alarmed), (missed, found) = counts\n    return {result}\n"
    )


def _area(result: str) -> str:
    return (
        "import numpy as np\n"
        "def area_under_the_curve(labels, probabilities):\n"
        "    ill, healthy = probabilities[labels == 1][:, None], probabilities[labels == 0]\n"
        f"    return {result}\n"
    )


def _threshold(cost: str, choice: str = "thresholds[np.argmin(costs)]") -> str:
    return (
        "import numpy as np\n"
        "def cheapest_threshold(labels, probabilities, thresholds, missed, alarmed):\n"
        "    told = probabilities >= thresholds[:, None]\n"
        "    misses, alarms = (~told & (labels == 1)).sum(1), (told & (labels == 0)).sum(1)\n"
        f"    costs = {cost}\n    return {choice}\n"
    )


def _value(result: str) -> str:
    return (
        "def positive_predictive_value(sensitivity, specificity, prevalence):\n"
        "    found, alarmed = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)\n"
        f"    cleared = specificity * (1 - prevalence)\n    return {result}\n"
    )


def _leak(result: str) -> str:
    return (
        "import numpy as np\n"
        f"def leaked_images(train_patients, test_patients):\n    return {result}\n"
    )


RIGHT_COST = "missed * misses + alarmed * alarms"

WRONG_ANSWERS = {
    "06-sensitivity": [
        (_shares("cleared / (cleared + alarmed), found / (found + missed)"), "wrong order"),
        (_shares("found / (found + alarmed), cleared / (cleared + missed)"), "PPV and NPV"),
        (_shares("missed / (found + missed), alarmed / (cleared + alarmed)"), "of the errors"),
        (
            _shares("100 * found / (found + missed), 100 * cleared / (cleared + alarmed)"),
            "per cent",
        ),
        (_shares("((found + cleared) / counts.sum(),) * 2"), "the accuracy"),
        (_shares("found / counts.sum(), cleared / counts.sum()"), "divided by all people"),
        (_shares("0.5, 0.123"), "a row is what people have"),
        (_shares("found / (found + missed)"), "The shape must be (2,)"),
    ],
    "06-auc": [
        (_area("(ill > healthy).mean()"), "left out: count each as half"),
        (_area("(ill >= healthy).mean()"), "count in full"),
        (_area("((ill < healthy) + 0.5 * (ill == healthy)).mean()"), "*healthy* person"),
        (_area("((ill > healthy) + 0.5 * (ill == healthy)).sum()"), "divide by how many"),
        (_area("np.mean((probabilities >= 0.5) == labels)"), "accuracy at a threshold"),
        (
            _area(
                "((ill > healthy) + 0.5 * (ill == healthy)).sum() / (len(labels) * "
                "(len(labels) - 1) / 2)"
            ),
            "leave out those of two ill",
        ),
        (_area("0.321"), "of all pairs"),
    ],
    "06-threshold-for-a-cost": [
        (_threshold(RIGHT_COST, "thresholds[::-1][np.argmin(costs[::-1])]"), "return the lowest"),
        (_threshold("misses + alarms"), "multiply each kind"),
        (_threshold("alarmed * misses + missed * alarms"), "changed places"),
        (_threshold(RIGHT_COST, "thresholds[np.argmax(costs)]"), "dearest"),
        (_threshold(RIGHT_COST, "costs.min()"), "the cost itself"),
        (
            _threshold(RIGHT_COST).replace(
                "probabilities >= thresholds", "probabilities > thresholds"
            ),
            "*exactly* the threshold",
        ),
        (
            _threshold(
                "missed * misses / (labels == 1).sum() + alarmed * alarms / (labels == 0).sum()"
            ),
            "count people",
        ),
        (_threshold(RIGHT_COST, "np.argmin(costs)"), "the threshold's place"),
        (_threshold(RIGHT_COST, "alarmed / (alarmed + missed)"), "can be believed"),
        (_threshold(RIGHT_COST, "0.55"), "who has at least"),
    ],
    "06-ppv": [
        (_value("sensitivity / (sensitivity + 1 - specificity)"), "left the prevalence out"),
        (_value("found / (found + cleared)"), "*cleared*"),
        (_value("cleared / (cleared + prevalence - found)"), "That is the NPV"),
        (_value("found"), "divide it"),
        (_value("alarmed / (found + alarmed)"), "share of false alarms"),
        (_value("100 * found / (found + alarmed)"), "per cent"),
        (_value("0.456"), "With a sensitivity of"),
    ],
    "06-find-the-leak": [
        (_leak("len(set(train_patients) & set(test_patients))"), "You counted patients"),
        (_leak("np.isin(train_patients, test_patients).sum()"), "counted training images"),
        (_leak("(~np.isin(test_patients, train_patients)).sum()"), "above suspicion"),
        (_leak("np.isin(test_patients, train_patients).mean()"), "That is a share"),
        (_leak("77"), "of patients who were learnt from"),
    ],
}
