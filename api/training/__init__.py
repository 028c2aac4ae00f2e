"""What training does with any data and any candidates: choose, check, export, report."""

SEED = 0
"""Of whatever is drawn at random, so that two runs write the same bytes."""


REMEDIES = {
    "could not convert string to float": "put an encoder of text in front, such as OneHotEncoder "
    "for the columns with text, or take pipeline() of training/preparation.py",
    "contains NaN": "put SimpleImputer in front, or take pipeline() of training/preparation.py",
    "Invalid classes inferred from unique values": "this one takes 0, 1, 2 as classes alone: a "
    'vote of one counts them for it, VotingClassifier([("it", XGBClassifier(...))], voting="soft")',
    "type '<class 'lightgbm.": "add onnxmltools to api/requirements-train.in and run `make lock`: "
    "it has the converter",
    "type '<class 'xgboost.": "add onnxmltools to api/requirements-train.in and run `make lock`: "
    "it has the converter",
    "Negative values in data passed to": "put MinMaxScaler(clip=True) in place of StandardScaler; "
    'in front of CategoricalNB KBinsDiscretizer(encode="ordinal") and OrdinalEncoder()',
    "No neighbors found for test samples": 'give it outlier_label="most_frequent", or a larger '
    "radius",
    "Only binary classification is supported": "this one tells two classes apart, and schemas.py "
    "lists more: write the estimator that it holds in its place",
    "Isotonic regression input X should be": "put a ColumnTransformer with one column in front",
    "is out of bounds for axis 1": "CategoricalNB knows no code beyond those fitted on: put "
    'KBinsDiscretizer(encode="ordinal") in front, or give it min_categories',
    "only supported for dataframes": "a step in front of it returns no names of columns: put the "
    'ColumnTransformer first, or write make_pipeline(...).set_output(transform="pandas")',
    "Found unknown categories": "a value that schemas.py allows was in no row fitted on: give the "
    'encoder handle_unknown="ignore", or the categories of the schema',
}
"""What to write where the text on the left is part of an error of scikit-learn or a booster."""


class TrainingError(Exception):
    """Training must not go on; the message says what to change."""


def innermost(error: BaseException) -> str:
    """Return the first line of the error that began a chain, and a remedy if one is known."""
    # What is only the context of another was handled, or meant to be.
    while error.__cause__ and not isinstance(error, TrainingError):
        error = error.__cause__
    if isinstance(error, TrainingError):
        return str(error)
    text = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:300]}"
    known = (remedy for pattern, remedy in REMEDIES.items() if pattern in text)
    return "; ".join([text, *known])
