//! Three processes and a NATS server.

use crate::{
    client::Client,
    process::{Nats, Process},
};

fn texts(speaker: &str, numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|n| format!("{speaker} {n}")).collect()
}

/// Returns the texts of one speaker, in the order in which they were received.
fn of<'a>(client: &'a Client, speaker: &str) -> Vec<&'a String> {
    client.heard.iter().filter(|text| text.split(' ').next() == Some(speaker)).collect()
}

#[tokio::test]
async fn messages_reach_all_processes_and_survive_a_restart() {
    let Some(nats) = Nats::start().await else { return };
    let mut processes = Vec::new();
    for _ in 0..3 {
        processes.push(Process::start(Some(&nats)).await);
    }
    let mut ada = Client::enter(processes[0].addr, "Ada").await;
    let mut bob = Client::enter(processes[1].addr, "Bob").await;
    let mut eve = Client::enter(processes[2].addr, "Eve").await;

    // Each user sees and hears all others.
    for client in [&mut ada, &mut bob, &mut eve] {
        client.until(|client| client.people.len() == 3).await;
    }
    for n in 0..10 {
        ada.say(&format!("Ada {n}")).await;
        bob.say(&format!("Bob {n}")).await;
        eve.say(&format!("Eve {n}")).await;
    }
    let first = [texts("Ada", 0..10), texts("Bob", 0..10), texts("Eve", 0..10)].concat();
    for client in [&mut ada, &mut bob, &mut eve] {
        client.hears(&first).await;
    }

    // Kills one process. The clients of the other two are not affected.
    let third = processes.pop().unwrap();
    let port = third.addr.port();
    third.kill().await;
    for n in 10..20 {
        ada.say(&format!("Ada {n}")).await;
        bob.say(&format!("Bob {n}")).await;
    }
    let second = [texts("Ada", 10..20), texts("Bob", 10..20)].concat();
    for client in [&mut ada, &mut bob] {
        client.hears(&second).await;
        assert_eq!(client.reconnects, 0);
    }

    // Starts it again. Its client reconnects by itself, and receives the messages that it missed
    // from the history of the others.
    processes.push(Process::start_at(port, Some(&nats)).await);
    eve.hears(&second).await;
    assert_eq!(eve.reconnects, 1);
    eve.say("Eve 10").await;
    for client in [&mut ada, &mut bob, &mut eve] {
        client.hears(&texts("Eve", 10..11)).await;
        client.until(|client| client.people.len() == 3).await;
        // No message is lost, and the messages of each speaker are in order.
        assert_eq!(client.heard.len(), 51, "{:?}", client.heard);
        for (speaker, last) in [("Ada", 20), ("Bob", 20), ("Eve", 11)] {
            assert_eq!(of(client, speaker), texts(speaker, 0..last).iter().collect::<Vec<_>>());
        }
    }
    assert_eq!((ada.reconnects, bob.reconnects), (0, 0));
}

#[tokio::test]
async fn name_is_taken_at_all_processes_and_page_may_reconnect_to_any() {
    let Some(nats) = Nats::start().await else { return };
    let [one, two] = [Process::start(Some(&nats)).await, Process::start(Some(&nats)).await];
    let mut bob = Client::enter(two.addr, "Bob").await;
    let mut lost = Client::enter(one.addr, "Ada").await;
    bob.until(|bob| bob.people.contains("Ada")).await;
    assert_eq!(Client::refused(two.addr, "Ada", "another-key").await, 409);
    let mut ada = Client::enter(two.addr, "Ada").await;
    assert_eq!(lost.closed().await, 4000);
    drop(lost);
    ada.say("back").await;
    bob.hears(&["back".into()]).await;
    assert!(bob.people.contains("Ada"));
}

#[tokio::test]
async fn members_of_a_lost_process_are_forgotten() {
    let Some(nats) = Nats::start().await else { return };
    let [one, two] = [Process::start(Some(&nats)).await, Process::start(Some(&nats)).await];
    let mut bob = Client::enter(two.addr, "Bob").await;
    let ada = Client::enter(one.addr, "Ada").await;
    bob.until(|bob| bob.people.contains("Ada")).await;
    one.kill().await;
    drop(ada);
    bob.until(|bob| !bob.people.contains("Ada")).await;
}

#[tokio::test]
async fn process_ends_without_nats() {
    let Some(nats) = Nats::start().await else { return };
    let process = Process::start(Some(&nats)).await;
    let mut ada = Client::enter(process.addr, "Ada").await;
    nats.kill().await;
    ada.say("lost").await;
    process.terminate().await;
}
