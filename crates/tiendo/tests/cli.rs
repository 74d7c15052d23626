//! The binary as it is started: help, usage errors, and what it says where nothing runs.

use std::process::{Command, Output};

fn tiendo(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tiendo"));
    // Settings of whoever runs the tests must not decide them.
    for variable in ["TIENDO_DATA", "TIENDO_SERVER", "TIENDO_LANG"] {
        command.env_remove(variable);
    }
    command
        .args(arguments)
        .output()
        .expect("the binary that cargo built for this test")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn help_lists_the_commands() {
    let output = tiendo(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    let help = text(&output.stdout);
    let commands = [
        "up",
        "serve",
        "locality",
        "model",
        "indicator",
        "case",
        "verdict",
        "rule",
        "quota",
        "report",
        "correct",
        "import",
        "load",
        "watch",
        "log",
    ];
    for command in commands {
        let line = format!("\n  {command} ");
        assert!(help.contains(&line), "no {command} in\n{help}");
    }
}

#[test]
fn a_wrong_argument_is_a_usage_error() {
    for arguments in [
        &["locality", "shwo"][..],
        &["up", "--http-port", "99999"],
        &["--output", "xml", "log", "show"],
        &["watch", "--below"],
        &["watch", "--after", "1"],
        &["watch", "--model", "KH-1.01", "--owner", "Công an tỉnh"],
        &["watch", "--owner", "Công an tỉnh", "--no-follow"],
    ] {
        let output = tiendo(arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        assert!(output.stdout.is_empty(), "data on stdout of {arguments:?}");
        assert!(text(&output.stderr).contains("error:"), "{arguments:?}");
    }
}

#[test]
fn where_nothing_runs_it_says_what_to_do() {
    let nowhere = concat!(env!("CARGO_TARGET_TMPDIR"), "/nothing-runs-here");
    let output = tiendo(&["--data", nowhere, "log", "show"]);
    assert_eq!(output.status.code(), Some(69));
    let said = text(&output.stderr);
    for hint in ["endpoints.json", "tiendo up", "--data", "--server"] {
        assert!(said.contains(hint), "no {hint} in: {said}");
    }
    assert!(output.stdout.is_empty());
}
