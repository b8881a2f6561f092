from .digest import content_hash as content_hash
from .digest import data_digest as data_digest
from .source import read_table as read_table
