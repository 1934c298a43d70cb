//! The opening handshake: the layer, the handshake service, the acceptor, and the servers.
//!
//! What AnyEvent::WebSocket::Server does in the opening handshake, row by row of its list of
//! behaviours, and the test that keeps the promise here:
//!
//! | row | there | test |
//! |---|---|---|
//! | 1 | no arguments: accept all | `servers::messages_are_echoed`, `accept::an_in_memory_stream_becomes_a_websocket` |
//! | 2 | the handshake callback, once per request | `accepting::the_handshake_service_is_called_once_for_each_request` |
//! | 3 | the default response is ready to return | `accepting::the_prebuilt_response_is_ready_to_return` |
//! | 4 | a subprotocol | `accepting::only_what_was_offered_is_sent` |
//! | 5 | another response | `refusal::a_prebuilt_response_with_another_status_never_upgrades` |
//! | 6 | headers on the 101 | `accepting::any_header_can_be_set` |
//! | 7 | other values | `accepting::a_value_of_any_type_reaches_the_handler`, `accept::what_the_handshake_attaches_and_selects_comes_out_beside_the_socket` |
//! | 8 | an exception rejects | `accept_failure::a_refusal_reaches_the_caller_with_what_caused_it` |
//! | 9 | nothing returned | not representable; `mishaps::a_panic_is_500_and_the_connection_goes_on` |
//! | 10 | the validator | `upstream::a_check_returns_values_or_refuses` |
//! | 11 | the payload limit | `upstream::the_payload_limit_is_one_of_messages`, `accept::limits_reach_the_socket` |
//! | 12 | certificate and key files | with `--test server`: `tls::a_certificate_comes_from_pem_files` |
//! | 13 | 50 connections at once | `servers::fifty_connections_are_open_at_once`, `accept::fifty_streams_are_open_on_one_acceptor` |
//! | 14 | no socket | `wrong_requests::a_server_that_cannot_upgrade_is_500_without_a_text` |
//! | 15 | the end within the request | `accept_failure::the_end_within_the_request_is_an_error_and_nobody_is_asked` |
//! | 16 | silence within the request | `accept_failure::silence_within_the_request_is_408_after_a_deadline`, `upstream::serve_gives_up_on_a_client_that_never_finishes_its_request` |
//! | 17 | HTTP, but no WebSocket | `inner_service::ordinary_requests_reach_the_inner_service_untouched`, `accept_failure::an_ordinary_request_is_an_error_with_the_request_in_it` |
//! | 18 | usable after a failure | `accept_failure::the_stream_can_be_spoken_to_after_a_failure`, `servers::a_refused_connection_is_kept_alive_and_may_still_open` |
//! | 19 | version 13 only | `accept_failure::a_wrong_version_is_426_with_the_right_one`, `wrong_requests::each_wrong_request_has_its_answer` |
//! | 20 | garbage | `accept_failure::what_is_no_http_is_answered_once`, `server_behaviour::serve_goes_on_after_a_connection_that_sends_garbage` |
//! | 22 | the server may send at once | `accept::the_server_may_send_at_once` |
//! | 23 | a frame in the request's packet | `servers::frames_in_the_requests_packet_are_served`, `accept::a_frame_in_the_requests_packet_is_served` |
//! | 24 | freed after the end | `upstream::a_connection_is_freed_when_it_is_over` |
//! | 25 | a parsed request | `accept_request::a_hyper_service_answers_and_takes_over` |
//! | 26 | other requests are the application's | `servers::ordinary_requests_are_served_beside_websockets` |
//! | 27 | method, version and headers | `accepting::the_whole_request_head_is_visible`, `wrong_requests::each_wrong_request_has_its_answer` |
//! | 28 | header lists, host, key, length | `upstream::header_lists_are_parsed`, `upstream::a_long_request_head_is_accepted`, `wrong_requests::each_wrong_request_has_its_answer` |
//! | 29 | TLS on one side only | with `--test server`: `tls::a_plain_client_on_a_tls_port_gets_an_alert_and_the_end`, `tls::a_tls_client_on_a_plain_port_gets_an_answer_that_is_no_tls_and_the_end` |

mod accept;
mod accept_failure;
mod accept_request;
mod accepting;
mod bodies;
mod cause;
mod header_case;
mod hosts;
mod inner_service;
mod middleware;
mod mishaps;
#[cfg(feature = "http2")]
mod over_http2;
mod pending_io;
mod readiness;
mod refusal;
mod request;
mod server;
mod server_behaviour;
mod servers;
#[cfg(feature = "http2")]
mod servers_http2;
mod stacks;
mod state;
mod stream_handler;
mod upstream;
mod whole;
mod wire;
mod wrong_requests;
