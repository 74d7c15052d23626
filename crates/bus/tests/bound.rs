//! A server does not outlive a parent that was killed.
//!
//! This program is everybody in the story: `parent PROGRAM STORE` starts a server through
//! `exec PID …`, and without arguments it is the judge who kills the parent.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and tells"
)]

#[cfg(target_os = "linux")]
mod story {
    use std::env::{args_os, current_exe};
    use std::ffi::OsString;
    use std::io::{BufRead, BufReader};
    use std::net::TcpStream;
    use std::path::{Path, PathBuf};
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use bus::server::{Launch, Search, Server, exec_bound_to_parent, obtain};

    pub(crate) fn main() {
        let words: Vec<OsString> = args_os().skip(1).collect();
        match words.first().and_then(|word| word.to_str()) {
            Some("exec") => {
                let parent = words[1].to_str().unwrap().parse().unwrap();
                panic!("{}", exec_bound_to_parent(parent, &words[2], &words[3..]));
            }
            Some("parent") => parent(PathBuf::from(&words[1]), PathBuf::from(&words[2])),
            Some("--list") => println!("killed_parent: test"),
            _ => judge(),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a test is its own `main`")]
    fn binary() -> PathBuf {
        let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools");
        obtain(&Search {
            explicit: None,
            path: std::env::var_os("PATH"),
            cache,
        })
        .unwrap()
    }

    fn parent(binary: PathBuf, store: PathBuf) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let me = OsString::from(std::process::id().to_string());
            let mut launch = Launch::new(binary, store, 0);
            launch.command_prefix = vec![current_exe().unwrap().into(), "exec".into(), me];
            let mut server = Server::start(launch).await.unwrap();
            println!("{}", server.port());
            server.exited().await.unwrap();
        });
    }

    fn judge() {
        let folder = tempfile::tempdir().unwrap();
        let mut parent = Command::new(current_exe().unwrap())
            .arg("parent")
            .args([binary(), folder.path().join("nats")])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(parent.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let port: u16 = line.trim().parse().unwrap();
        TcpStream::connect(("127.0.0.1", port)).unwrap();
        parent.kill().unwrap();
        parent.wait().unwrap();
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_ok() {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "the server lives on"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        println!("the server went {:?} after its parent", begun.elapsed());
    }
}

fn main() {
    #[cfg(target_os = "linux")]
    story::main();
}
