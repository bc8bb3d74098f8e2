//! The process: its port, its secret, and its end.

use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::time::timeout;

use crate::inbox::Inbox;
use crate::program::{BOUND, Program, Setup};

const PARENT_OF: &str = "PROVIDER_TEST_PARENT_OF";

#[tokio::test]
async fn it_ends_when_its_standard_input_does() {
    let inbox = Inbox::start().await;
    let setup = Setup::new(&inbox.url()).with(&["--child"]);
    let mut command = setup.command();
    command.stdin(Stdio::piped());
    let mut provider = Program::start(command).await;
    provider.open_and_pay("order-1", 1000).await;
    assert!(provider.child.try_wait().unwrap().is_none());
    drop(provider.child.stdin.take());
    let status = timeout(BOUND, provider.child.wait()).await.unwrap().unwrap();
    assert!(status.success());
}

#[tokio::test]
async fn it_goes_on_without_standard_input_when_it_is_no_child() {
    let inbox = Inbox::start().await;
    let setup = Setup::new(&inbox.url());
    let mut provider = setup.start().await;
    provider.open_and_pay("order-1", 1000).await;
    inbox.wait_for(1).await;
    assert!(provider.child.try_wait().unwrap().is_none());
}

/// A real parent, killed with -9: this test program started anew, in [`parent_that_holds_the_pipe`].
#[tokio::test]
async fn it_ends_when_its_parent_is_killed() {
    let inbox = Inbox::start().await;
    let setup = Setup::new(&inbox.url()).with(&["--child"]);
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "process::parent_that_holds_the_pipe", "--nocapture"])
        .env(PARENT_OF, setup.flags().join("\n"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(parent.stdout.take().unwrap()).lines();
    let address = loop {
        let line = timeout(BOUND, lines.next_line()).await.unwrap().unwrap().expect("the parent ended early");
        if let Some((_, address)) = line.split_once("listening http://") {
            break address.to_owned();
        }
    };
    assert!(TcpStream::connect(&address).await.is_ok());

    parent.kill().await.unwrap();
    let killed = Instant::now();
    while TcpStream::connect(&address).await.is_ok() {
        assert!(killed.elapsed() < BOUND, "the provider outlived its parent");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut command = setup.command();
    command.stdin(Stdio::piped());
    let again = Program::start(command).await;
    assert_eq!(again.base, format!("http://{address}"));
}

/// Does nothing unless it is told what to start: then it is the parent, until it is killed.
#[test]
fn parent_that_holds_the_pipe() {
    let Ok(flags) = std::env::var(PARENT_OF) else { return };
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_marketplace-provider"))
        .args(flags.lines())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while started.elapsed() < BOUND {
        assert!(child.try_wait().unwrap().is_none(), "the provider ended first");
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn it_keeps_its_port_and_says_when_it_is_taken() {
    let inbox = Inbox::start().await;
    let setup = Setup::new(&inbox.url());
    let provider = setup.start().await;
    let base = provider.base.clone();
    provider.kill().await;
    let provider = setup.start().await;
    assert_eq!(provider.base, base);
    provider.kill().await;

    let address = base.trim_start_matches("http://");
    let squatter = TcpListener::bind(address).await.unwrap();
    let said = setup.start_in_vain().await;
    assert!(said.contains(address) && said.contains("is taken") && said.contains("--listen"), "{said}");
    drop(squatter);

    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let setup = setup.with(&["--listen", &free.to_string()]);
    assert_eq!(setup.start().await.base, format!("http://{free}"));
}

#[tokio::test]
async fn it_refuses_to_start_unsafely() {
    let setup = Setup::new("http://127.0.0.1:9/");
    std::fs::write(setup.path("secret"), "abcd").unwrap();
    assert!(setup.start_in_vain().await.contains("at least 32"));
    std::fs::remove_file(setup.path("secret")).unwrap();
    assert!(setup.start_in_vain().await.contains("could not be read"));
    assert!(Setup::new("http://192.0.2.1/").start_in_vain().await.contains("loopback only"));
    assert!(setup.with(&["--listen", "0.0.0.0:0"]).start_in_vain().await.contains("loopback only"));
}

#[tokio::test]
async fn one_state_has_one_provider() {
    let inbox = Inbox::start().await;
    let setup = Setup::new(&inbox.url()).with(&["--listen", "127.0.0.1:0"]);
    let provider = setup.start().await;
    let said = setup.start_in_vain().await;
    assert!(said.contains("is another provider running on it?"), "{said}");
    provider.open_and_pay("order-1", 1000).await;
    inbox.wait_for(1).await;
}
