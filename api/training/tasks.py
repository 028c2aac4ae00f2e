"""The task that the schema asks for."""

from app.features import ANSWER
from training.classification import Classification
from training.regression import Regression
from training.task import Task

TASK: Task = Regression() if ANSWER.is_numeric else Classification()
