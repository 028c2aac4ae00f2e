"""Those of XGBoost and LightGBM, where they are installed: `boosters.txt` is their lock."""

from collections.abc import Iterator

from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import BaseEstimator
from sklearn.ensemble import VotingClassifier
from xgboost import XGBClassifier, XGBRegressor, XGBRFClassifier, XGBRFRegressor

from app.features import CLASSES
from training import SEED

Named = tuple[str, BaseEstimator]
"""How it is written, and the estimator."""

FEW = {"n_estimators": 20}
SAMPLED = {"boosting_type": "rf", "subsample": 0.8, "subsample_freq": 1}
EVERYWHERE: dict[str, object] = {"n_jobs": 1, "random_state": SEED}
"""What only makes runs alike."""


def classifiers() -> Iterator[Named]:
    """Yield classifiers for data with three classes or two, called by text."""
    yield _named(XGBClassifier)
    yield _voting(XGBClassifier)
    yield _voting(XGBRFClassifier, **FEW)
    for settings in ({"booster": "dart"}, {"booster": "gblinear"}, {"missing": 0}):
        yield _voting(XGBClassifier, **FEW, **settings)
    yield _named(LGBMClassifier)
    yield _named(LGBMClassifier, **FEW, boosting_type="dart")
    yield _named(LGBMClassifier, **FEW, **SAMPLED)
    if len(CLASSES) > 2:
        yield _named(LGBMClassifier, **FEW, objective="multiclassova")


def regressors() -> Iterator[Named]:
    """Yield regressors."""
    yield _named(XGBRegressor)
    yield _named(XGBRFRegressor, **FEW)
    for objective in ("reg:absoluteerror", "count:poisson", "reg:gamma", "reg:tweedie"):
        yield _named(XGBRegressor, objective=objective)
    for settings in ({"booster": "dart"}, {"booster": "gblinear"}, {"missing": 0}):
        yield _named(XGBRegressor, **FEW, **settings)
    yield _named(LGBMRegressor)
    for objective in ("l1", "huber", "quantile", "poisson", "gamma", "tweedie"):
        yield _named(LGBMRegressor, objective=objective)
    yield _named(LGBMRegressor, boosting_type="dart")
    yield _named(LGBMRegressor, **SAMPLED)
    yield _named(LGBMRegressor, **FEW, **SAMPLED)
    yield _named(LGBMRegressor, linear_tree=True)


def where_zero_is_missing() -> Named:
    """Return a regressor that differs only where zero is among the values."""
    return _named(LGBMRegressor, zero_as_missing=True)


def _named(kind: type[BaseEstimator], **settings: object) -> Named:
    quiet = {"verbosity": -1} if kind.__name__.startswith("LGBM") else {"verbosity": 0}
    written = ", ".join(f"{name}={value!r}" for name, value in settings.items())
    return f"{kind.__name__}({written})", kind(**settings, **quiet, **EVERYWHERE)


def _voting(kind: type[BaseEstimator], **settings: object) -> Named:
    """Return one that takes text for classes, which those of XGBoost do not."""
    name, estimator = _named(kind, **settings)
    vote = VotingClassifier([("it", estimator)], voting="soft")
    return f"VotingClassifier(estimators=[('it', {name})], voting='soft')", vote
