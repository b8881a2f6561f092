"""Settings and mappings: secrets stay secret, and what is wrong is said without showing them."""

from __future__ import annotations

import pytest

from riskml.crm.mapping import read_mapping
from riskml.crm.settings import ZohoSettings, read_settings
from riskml.errors import ConfigError

LOGIN = {"client_id": "1000.ID", "client_secret": "HIDDEN-1", "refresh_token": "HIDDEN-2"}
ENVIRONMENT = {f"RISKML_ZOHO_{name.upper()}": value for name, value in LOGIN.items()}


def test_settings_come_from_the_environment():
    settings = read_settings("zoho", ENVIRONMENT)
    assert isinstance(settings, ZohoSettings)
    assert settings.refresh_token.get_secret_value() == "HIDDEN-2"


def test_settings_come_from_a_file_that_only_its_owner_reads_and_the_environment_overrules_it(tmp_path):
    file = tmp_path / "zoho.yaml"
    file.write_text("\n".join(f"{name}: {value}" for name, value in LOGIN.items()))
    file.chmod(0o600)
    settings = read_settings("zoho", {"RISKML_ZOHO_CLIENT_ID": "another"}, file)
    assert (settings.client_id, settings.client_secret.get_secret_value()) == ("another", "HIDDEN-1")
    assert read_settings("zoho", {"RISKML_ZOHO_SETTINGS": str(file)}).client_id == "1000.ID"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o601])
def test_a_file_that_others_may_touch_is_refused(mode, tmp_path):
    file = tmp_path / "zoho.yaml"
    file.write_text("client_id: x")
    file.chmod(mode)
    with pytest.raises(ConfigError, match=r"others can read the file: its mode is 06.*\n.*\n.*chmod 600"):
        read_settings("zoho", {}, file)


@pytest.mark.parametrize("content", ["client_secret: [HIDDEN-1", "HIDDEN-1", "- HIDDEN-1", "client_secrets: HIDDEN-1"])
def test_a_file_that_is_wrong_is_refused_without_showing_its_secrets(content, tmp_path):
    file = tmp_path / "zoho.yaml"
    file.write_text(content)
    file.chmod(0o600)
    with pytest.raises(ConfigError) as caught:
        read_settings("zoho", {}, file)
    assert "HIDDEN" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_what_is_missing_is_named_with_its_variable():
    with pytest.raises(ConfigError, match=r"refresh_token: Field required(.|\n)*RISKML_ZOHO_REFRESH_TOKEN"):
        read_settings("zoho", {name: value for name, value in ENVIRONMENT.items() if "REFRESH" not in name})


def test_somebody_has_to_act_in_fxiaoke():
    login = {f"RISKML_FXIAOKE_{name}": "x" for name in ("APP_ID", "APP_SECRET", "PERMANENT_CODE")}
    with pytest.raises(ConfigError, match=r"user \(its open user id\), or mobile"):
        read_settings("fxiaoke", login)
    assert read_settings("fxiaoke", login | {"RISKML_FXIAOKE_MOBILE": "138"}).secrets() == ["x", "x", "138"]


def test_settings_do_not_show_their_secrets():
    settings = read_settings("zoho", ENVIRONMENT)
    assert "HIDDEN" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


@pytest.mark.parametrize(
    "url", ["http://accounts.zoho.com", "http://127.0.0.1.example.com", "accounts.zoho.com", "https://u@h"]
)
def test_an_address_that_would_send_secrets_in_clear_is_refused(url):
    with pytest.raises(ConfigError, match="accounts_url"):
        read_settings("zoho", {**ENVIRONMENT, "RISKML_ZOHO_ACCOUNTS_URL": url})


def test_a_mapping_says_what_is_wrong_with_it(tmp_path):
    file = tmp_path / "m.yaml"
    file.write_text("system: zoho\ntables: {customers: {object: Accounts, colums: {a: b}}}\n")
    with pytest.raises(ConfigError, match=r"tables.customers.colums: unknown key(.|\n)*docs/crm.md"):
        read_mapping(file)


def test_a_label_that_is_longer_than_zoho_takes_is_refused(tmp_path):
    file = tmp_path / "m.yaml"
    file.write_text(
        "system: zoho\ntables: {c: {object: Accounts, columns: {a: id}}}\n"
        f"scores: {{object: Accounts, fields: {{score: {{field: A, label: {'险' * 26}}}}}}}\n"
    )
    with pytest.raises(ConfigError, match="at most 25 characters"):
        read_mapping(file)


def test_a_table_of_files_needs_what_numbers_its_records(tmp_path):
    file = tmp_path / "m.yaml"
    file.write_text("system: csv\ntables: {customers: {object: 客户, columns: {a: 编号}}}\n")
    with pytest.raises(ConfigError, match="needs id"):
        read_mapping(file)
