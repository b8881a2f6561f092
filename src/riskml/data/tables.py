from dataclasses import dataclass
from pathlib import Path
import pandas as pd
@dataclass(frozen=True)
class Stored:
    files: tuple
    columns: dict
    rows: int
def _kind(t):
    import pyarrow.types as T
    if T.is_integer(t): return 'integer'
    if T.is_floating(t): return 'number'
    if T.is_boolean(t): return 'boolean'
    if T.is_date(t): return 'date'
    if T.is_timestamp(t): return 'timestamp with zone' if t.tz else 'timestamp'
    if T.is_string(t) or T.is_large_string(t): return 'text'
    return str(t)
def stored(source, folder, *, table=None, name=''):
    import pyarrow.parquet as pq, pyarrow.dataset as ds
    p=Path(source)
    if not p.exists():
        from riskml.data.catalog import load_sample
        folder.mkdir(parents=True,exist_ok=True); f=folder/(name+'.parquet')
        load_sample(source).to_parquet(f); files=(f,)
    else: files=tuple(sorted(p.rglob('*.parquet'))) if p.is_dir() else (p,)
    d=ds.dataset([str(f) for f in files])
    return Stored(files,{n:_kind(t) for n,t in zip(d.schema.names,d.schema.types)},0)
def check_columns(stored,wanted,where):
    for k,v in wanted.items(): assert k in stored.columns and stored.columns[k] in v,(where,k,stored.columns.get(k),v)
