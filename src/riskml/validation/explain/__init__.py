"""Why a model says what it says: the same questions to every family, answered on the same scales.

Everything here asks an `riskml.runtime.package.Artifact`, whose contributions add up to the log-odds whatever is
inside: exact Shapley values of boosted trees, the path of a decision tree, the shapes of a scorecard or a logistic
regression, and the weighted sum of these for a blend.
"""

from __future__ import annotations

from riskml.validation.explain.background import Background, background_of
from riskml.validation.explain.importance import importance, permutation_importance
from riskml.validation.explain.monotonicity import declared_directions, monotone_violations
from riskml.validation.explain.partial_dependence import profiles
from riskml.validation.explain.reasons import reasons_in_words

__all__ = [
    "Background",
    "background_of",
    "declared_directions",
    "importance",
    "monotone_violations",
    "permutation_importance",
    "profiles",
    "reasons_in_words",
]
