"""The tests, a package so that the contract servers can be run by hand: python -m tests.contract.zoho_server."""
