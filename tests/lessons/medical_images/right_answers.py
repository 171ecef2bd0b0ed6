"""Right answers to the exercises of lesson 06, in other forms than the folded solutions."""

RIGHT_ANSWERS = {
    "06-sensitivity": [
        "def sensitivity_and_specificity(counts):\n"
        "    share = counts.diagonal() / counts.sum(axis=1)\n"
        "    return [round(float(each), 3) for each in share[::-1]]\n",
    ],
    "06-auc": [
        "from sklearn.metrics import roc_auc_score\n"
        "def area_under_the_curve(labels, probabilities):\n"
        "    return roc_auc_score(labels, probabilities)\n",
        "def area_under_the_curve(labels, probabilities):\n"
        "    people = list(zip(labels, probabilities))\n"
        "    ill = [p for label, p in people if label == 1]\n"
        "    healthy = [p for label, p in people if label == 0]\n"
        "    won = sum((a > b) + (a == b) / 2 for a in ill for b in healthy)\n"
        "    return won / len(ill) / len(healthy)\n",
    ],
    "06-threshold-for-a-cost": [
        "def cheapest_threshold(labels, probabilities, thresholds, missed, alarmed):\n"
        "    def cost(threshold):\n"
        "        pairs = zip(labels, probabilities)\n"
        "        return sum(missed * (y == 1 and p < threshold)\n"
        "                   + alarmed * (y == 0 and p >= threshold) for y, p in pairs)\n"
        "    return min(thresholds, key=cost)\n",
    ],
    "06-ppv": [
        "def positive_predictive_value(sensitivity, specificity, prevalence):\n"
        "    odds = prevalence / (1 - prevalence) * sensitivity / (1 - specificity)\n"
        "    return odds / (1 + odds)\n",
    ],
    "06-find-the-leak": [
        "def leaked_images(train_patients, test_patients):\n"
        "    known = set(train_patients)\n"
        "    return len([each for each in test_patients if each in known])\n",
    ],
}
