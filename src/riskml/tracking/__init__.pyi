from .client import mlflow_client as mlflow_client
from .client import tracking_uri as tracking_uri
from .model import log_model as log_model
from .reader import fetch as fetch
from .reader import fetch_all as fetch_all
from .sink import Sink as Sink
