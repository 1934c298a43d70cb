//! The open connection, in memory and in paused time: one test for each promise.
//!
//! Each test runs over HTTP/1.1 and over HTTP/2 (`over_each_transport!`), except the tests of
//! `streams.rs`, which need a connection of many streams, and the tests of `raw.rs`, which need a
//! stream without an HTTP server. Why each test of `raw.rs` does not run over HTTP/2, and the test
//! that runs there instead:
//!
//! - `flooding_peer_is_dropped_after_twelve_close_timeouts`: its IO is always readable, but a
//!   stream with a window is not. Instead: the test of the same name in `streams`.
//! - `messages_are_written_during_a_flood`: the same.
//! - `partly_read_response_is_not_followed_by_another`: the HTTP server writes the response, frame
//!   by frame.
//! - `unlimited_server_deadlines_never_elapse`: it tests the server.
//! - `flush_fails_if_a_reset_drops_the_message`: its IO fails on command. Instead:
//!   `streams::reset_ends_a_socket_that_waits_to_write`.
//! - `abandoned_connection_is_shut_down`: it checks the calls on the IO. Instead:
//!   `streams::peer_without_space_for_the_close_is_cut_at_the_timeout`.
//! - `send_does_not_wait_for_the_peer_after_an_event_in_the_same_turn`: its stream wakes the socket
//!   within a poll, which hyper's task does not.
//! - `event_in_the_same_turn_is_received`: the same.
//! - `flush_waits_for_messages_after_a_dropped_flush`: hyper would buffer the messages.
//! - `io_that_wakes_itself_lets_other_tasks_run`: its IO is made to be difficult.
//! - `nothing_is_lost_on_a_rough_stream`: its IO is made to be difficult. Instead:
//!   `model::nothing_is_lost_duplicated_or_out_of_order`.
//!
//! The behaviors of AnyEvent::WebSocket::Connection, numbered as in its list, and the tests for
//! them:
//!
//! - 21, a stream cut inside a frame:
//!   `errors::stream_cut_inside_a_frame_gives_earlier_messages_and_one_error`
//! - 30, `send`, nothing after the close:
//!   `closing::nothing_is_delivered_or_sent_after_the_peers_close`
//! - 31, `each_message`, `next_message`: `cork::messages_of_one_packet_are_answered_in_one_write`
//! - 32, `finish`, exactly once: `closing::stream_ends_once`
//! - 33, `parse_error`: `errors::protocol_violations_end_with_1002` and the tests next to it
//! - 34, a dying callback: `closing::handler_panic_closes_with_1011`
//! - 35, `close(code, reason)`: `closing::close_sends_code_and_reason_and_waits_for_the_answer`,
//!   `closing::invalid_close_frame_is_rejected`
//! - 36, a Close and half-close, without limit: `closing::close_waits_no_longer_than_five_seconds`,
//!   `closing::close_1005_and_half_close_are_handled`
//! - 37, `close_code`, `close_reason`, `close_error`:
//!   `closing::the_peers_code_is_echoed_and_readable`
//! - 38, nothing after a Close: `closing::nothing_is_delivered_or_sent_after_the_peers_close`
//! - 39, the peer's end, a dropped object: `closing::half_closing_client_gets_sent_messages`,
//!   `closing::socket_without_a_driver_is_closed_in_the_background`
//! - 40, ping answered: `cancel::dropped_recv_loses_nothing`,
//!   `keepalive::silent_peer_is_pinged_every_twenty_seconds`
//! - 41, a huge length: `errors::oversized_frames_end_with_1009`,
//!   `limits::header_without_its_payload_costs_nothing`
//! - 42, accepted violations: `errors::protocol_violations_end_with_1002`,
//!   `errors::text_that_is_not_utf_8_ends_with_1007`
//!
//! `LONG=1` makes the random tests longer.

mod cancel;
mod client;
mod closing;
mod cork;
mod delivery;
mod drivers;
mod errors;
#[path = "../world/form.rs"]
mod form;
mod http1;
#[cfg(feature = "http2")]
mod http2;
mod into_inner;
#[cfg(feature = "json")]
mod json;
mod keepalive;
mod limits;
mod model;
mod order;
mod pair;
mod raw;
mod shutdown;
mod split;
#[cfg(feature = "http2")]
mod streams;
mod suite;
mod tasks;
mod transport;
mod unread;
mod walk;
