//! The open connection over HTTP/2, in memory and in paused time: all that `tests/connection` checks over HTTP/1.1, with
//! another transport below.
//!
//! These are not here, as they are about a stream that is no more than a stream (`tests/connection/raw.rs`):
//!
//! | test | why | what is here instead |
//! |---|---|---|
//! | `a_peer_that_floods_is_dropped_at_twelve_close_timeouts` | its IO is always readable, which a stream with a window is not | `streams::a_peer_that_floods_is_dropped_at_twelve_close_timeouts` |
//! | `a_handler_that_reads_a_flood_is_written_out_all_the_same` | the same | `streams::a_handler_that_reads_a_flood_is_written_out_all_the_same` |
//! | `a_client_that_took_a_part_of_the_response_gets_no_other` | the response is written by the HTTP server, a frame at a time | nothing |
//! | `deadlines_of_a_server_without_end_never_come` | it is about the server | nothing |
//! | `a_message_that_is_dropped_at_a_reset_is_an_error_of_flush` | its IO fails where it is told to | `streams::a_reset_ends_a_socket_that_waits_to_write` |
//! | `a_connection_that_is_given_up_is_shut_down` | it asks what was called on the IO | `streams::a_peer_without_room_for_the_close_is_waited_for_until_the_timeout` |
//! | `nothing_is_lost_on_a_rough_stream` | its IO is made to be difficult | `model::nothing_is_lost_doubled_or_out_of_order` |

#[path = "../connection/cancel.rs"]
mod cancel;
#[path = "../connection/closing.rs"]
mod closing;
#[path = "../connection/cork.rs"]
mod cork;
#[path = "../connection/delivery.rs"]
mod delivery;
#[path = "../connection/drivers.rs"]
mod drivers;
#[path = "../connection/errors.rs"]
mod errors;
#[path = "../connection/into_inner.rs"]
mod into_inner;
#[cfg(feature = "json")]
#[path = "../connection/json.rs"]
mod json;
#[path = "../connection/keepalive.rs"]
mod keepalive;
#[path = "../connection/limits.rs"]
mod limits;
#[path = "../connection/model.rs"]
mod model;
#[path = "../connection/order.rs"]
mod order;
#[path = "../connection/pair.rs"]
mod pair;
#[path = "../connection/shutdown.rs"]
mod shutdown;
#[path = "../connection/split.rs"]
mod split;
mod streams;
mod suite;
#[path = "../connection/tasks.rs"]
mod tasks;
mod transport;
#[path = "../connection/walk.rs"]
mod walk;
