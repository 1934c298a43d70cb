//! The open connection, in memory and in paused time: one test for each promise.
//!
//! Each test runs over HTTP/1.1 and over HTTP/2 (`over_each_transport!`), but those of
//! `streams.rs`, which are about a connection of many streams, and those of `raw.rs`, which are
//! about a stream that is no more than a stream:
//!
//! | test | why | what there is over HTTP/2 instead |
//! |---|---|---|
//! | `a_peer_that_floods_is_dropped_at_twelve_close_timeouts` | its IO is always readable, which a stream with a window is not | `streams::a_peer_that_floods_is_dropped_at_twelve_close_timeouts` |
//! | `a_handler_that_reads_a_flood_is_written_out_all_the_same` | the same | `streams::a_handler_that_reads_a_flood_is_written_out_all_the_same` |
//! | `a_client_that_took_a_part_of_the_response_gets_no_other` | the response is written by the HTTP server, a frame at a time | nothing |
//! | `deadlines_of_a_server_without_end_never_come` | it is about the server | nothing |
//! | `a_message_that_is_dropped_at_a_reset_is_an_error_of_flush` | its IO fails where it is told to | `streams::a_reset_ends_a_socket_that_waits_to_write` |
//! | `a_connection_that_is_given_up_is_shut_down` | it asks what was called on the IO | `streams::a_peer_without_room_for_the_close_is_cut_at_the_timeout` |
//! | `nothing_is_lost_on_a_rough_stream` | its IO is made to be difficult | `model::nothing_is_lost_doubled_or_out_of_order` |
//!
//! What AnyEvent::WebSocket::Connection does, row by row of its list of behaviours, and the test
//! that keeps the promise here:
//!
//! | row | there | test |
//! |---|---|---|
//! | 21 | cut inside a frame | `errors::a_stream_cut_inside_a_frame_gives_what_came_before_and_one_error` |
//! | 30 | `send`, nothing after the close | `closing::nothing_is_delivered_after_the_peers_close_and_nothing_sent` |
//! | 31 | `each_message`, `next_message` | `cork::messages_that_come_in_one_packet_are_answered_in_one_write` |
//! | 32 | `finish`, exactly once | `closing::the_stream_ends_once` |
//! | 33 | `parse_error` | `errors::what_breaks_the_protocol_ends_with_1002` and its neighbours |
//! | 34 | a dying callback | `closing::a_handler_that_panics_closes_with_1011` |
//! | 35 | `close(code, reason)` | `closing::close_sends_code_and_reason_and_waits_for_the_answer`, `closing::a_close_frame_that_may_not_be_sent_is_refused` |
//! | 36 | a Close and half-close, without limit | `closing::close_waits_no_longer_than_five_seconds`, `closing::a_client_that_sends_1005_and_half_closes_is_survived` |
//! | 37 | `close_code`, `close_reason`, `close_error` | `closing::the_peers_code_is_echoed_and_readable` |
//! | 38 | nothing after a Close | `closing::nothing_is_delivered_after_the_peers_close_and_nothing_sent` |
//! | 39 | the peer's end; a dropped object | `closing::a_client_that_half_closes_still_gets_what_was_sent`, `closing::a_socket_without_a_driver_is_closed_in_the_background` |
//! | 40 | ping answered | `cancel::a_dropped_recv_loses_nothing`, `keepalive::a_silent_peer_is_pinged_every_twenty_seconds` |
//! | 41 | a huge length | `errors::what_is_too_large_ends_with_1009`, `limits::a_header_without_its_payload_costs_nothing` |
//! | 42 | what was let through | `errors::what_breaks_the_protocol_ends_with_1002`, `errors::text_that_is_not_utf_8_ends_with_1007` |

mod cancel;
mod client;
mod closing;
mod cork;
mod delivery;
mod drivers;
mod errors;
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
mod walk;
