"""The settings of the embedded server: two cores, little memory, and a log without a word of any appeal."""

from __future__ import annotations

from collections.abc import Mapping

DEFAULTS: Mapping[str, str] = {
    # Memory and processes: the service shares two cores and its 600 MB with this server.
    "max_connections": "60",
    "superuser_reserved_connections": "3",
    "shared_buffers": "256MB",
    "effective_cache_size": "2GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "max_worker_processes": "4",
    "max_parallel_workers": "2",
    "max_parallel_workers_per_gather": "1",
    "autovacuum_max_workers": "2",
    "io_method": "sync",
    "jit": "off",
    "random_page_cost": "1.1",
    "session_preload_libraries": "'vector'",
    # What is committed is on the disk. Long recoveries come from long stretches without a checkpoint.
    "fsync": "on",
    # One syncfs is quicker on an idle machine, but it waits for what all other programs have written: 60 s were seen.
    "recovery_init_sync_method": "fsync",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "5min",
    "checkpoint_completion_target": "0.9",
    # Reachable by the socket in the data folder only, with a password.
    "listen_addresses": "''",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    # Statements, parameters and DETAIL lines hold appeals and persons; none of them may reach the log.
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_messages": "log",  # ranks above ERROR: an error's own words can quote a value, and the service logs its kind
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
    "log_autovacuum_min_duration": "-1",
    "log_line_prefix": "'%m [%p] '",
    "logging_collector": "on",
    "log_directory": "'log'",
    "log_filename": "'postgresql-%Y-%m-%d_%H%M%S.log'",
    "log_file_mode": "0600",
    "log_rotation_age": "1d",
    "log_rotation_size": "5MB",
    # One meaning everywhere.
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "datestyle": "'iso, ymd'",
    "default_text_search_config": "'pg_catalog.simple'",
    "lc_messages": "'C'",
    "cluster_name": "'triage'",
}

ACCESS = """\
local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
"""
"""pg_hba.conf; its second line matters only where tests let the server listen on TCP."""

_HEAD = "# Written anew at every start. Put settings of your own into postgresql.conf of the data folder; they win.\n"


def render(settings: Mapping[str, str], own: str = "") -> str:
    """Return postgresql.conf: the defaults, then ``settings``, then the operator's ``own`` lines; the last one wins."""
    lines = [f"{name} = {value}\n" for name, value in {**DEFAULTS, **settings}.items()]
    return _HEAD + "".join(lines) + own
