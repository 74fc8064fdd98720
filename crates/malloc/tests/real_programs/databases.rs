//! Databases: SQLite, and Redis under load.

use crate::setting::{are_there, input, length, program};
use crate::trial::Trial;

#[test]
fn sqlite() {
    if !are_there(&["sqlite3", "bash"]) {
        return;
    }
    Trial::new("sqlite3", &["sqlite3"]).compare(|| {
        let mut command = program("bash");
        command.arg(input("sqlite.sh")).arg(length(5_000, 100_000).to_string());
        command
    });
}

#[test]
fn redis() {
    if !are_there(&["redis-server", "redis-benchmark", "redis-cli", "bash"]) {
        return;
    }
    Trial::new("redis-server", &["redis-server", "redis-benchmark"]).compare(|| {
        let mut command = program("bash");
        command.arg(input("redis.sh")).arg(length(2_000, 50_000).to_string());
        command
    });
}
