//! The opening handshake: the layer, the handshake service, the acceptor, and the servers.
//!
//! The behaviors of AnyEvent::WebSocket::Server in the opening handshake, numbered as in its list,
//! and the tests for them:
//!
//! - 1, no arguments: accept all: `servers::messages_are_echoed`,
//!   `accept::in_memory_stream_becomes_a_websocket`
//! - 2, the handshake callback, once per request:
//!   `accepting::handshake_service_is_called_once_for_each_request`
//! - 3, the default response is ready to return: `accepting::prebuilt_response_is_ready_to_return`
//! - 4, a subprotocol: `accepting::only_offered_subprotocols_are_sent`
//! - 5, another response: `refusal::prebuilt_response_with_another_status_never_upgrades`
//! - 6, headers on the 101: `accepting::any_header_can_be_set`
//! - 7, other values: `accepting::value_of_any_type_reaches_the_handler`,
//!   `accept::attached_value_and_protocol_are_returned_with_the_socket`
//! - 8, an exception rejects: `accept_failure::rejection_reaches_the_caller_with_its_cause`
//! - 9, nothing returned: not representable; `mishaps::panic_is_500_and_the_connection_continues`
//! - 10, the validator: `upstream::check_returns_values_or_rejects`
//! - 11, the payload limit: `upstream::payload_limit_applies_to_messages`,
//!   `accept::limits_reach_the_socket`
//! - 12, certificate and key files: with `--test server`:
//!   `tls::certificate_is_loaded_from_pem_files`
//! - 13, 50 connections at once: `servers::fifty_connections_are_open_at_once`,
//!   `accept::fifty_streams_are_open_on_one_acceptor`
//! - 14, no socket: `wrong_requests::server_that_cannot_upgrade_is_500_without_a_text`
//! - 15, the end within the request:
//!   `accept_failure::end_within_the_request_is_an_error_before_the_service_is_called`
//! - 16, silence within the request:
//!   `accept_failure::silence_within_the_request_is_408_after_a_timeout`,
//!   `upstream::serve_disconnects_a_client_that_never_finishes_its_request`
//! - 17, HTTP, but no WebSocket:
//!   `inner_service::ordinary_requests_reach_the_inner_service_unchanged`,
//!   `accept_failure::ordinary_request_is_an_error_that_contains_it`
//! - 18, usable after a failure: `accept_failure::stream_is_usable_after_a_failure`,
//!   `servers::rejected_connection_is_kept_alive_and_may_still_open`
//! - 19, version 13 only: `accept_failure::wrong_version_is_426_with_the_right_one`,
//!   `wrong_requests::each_wrong_request_has_its_response`
//! - 20, garbage: `accept_failure::malformed_http_is_answered_once`,
//!   `server_behaviour::serve_continues_after_a_connection_that_sends_garbage`
//! - 22, the server may send at once: `accept::server_may_send_at_once`
//! - 23, a frame in the request's packet: `servers::frames_in_the_requests_packet_are_served`,
//!   `accept::frame_in_the_requests_packet_is_served`
//! - 24, freed after the end: `upstream::connection_is_freed_after_its_end`
//! - 25, a parsed request: `accept_request::hyper_service_responds_and_takes_over`
//! - 26, other requests are the application's:
//!   `servers::ordinary_requests_and_websockets_are_served`
//! - 27, method, version and headers: `accepting::whole_request_head_is_visible`,
//!   `wrong_requests::each_wrong_request_has_its_response`
//! - 28, header lists, host, key, length: `upstream::header_lists_are_parsed`,
//!   `upstream::long_request_head_is_accepted`,
//!   `wrong_requests::each_wrong_request_has_its_response`
//! - 29, TLS on one side only: with `--test server`:
//!   `tls::plain_client_on_a_tls_port_gets_an_alert_and_the_end`,
//!   `tls::tls_client_on_a_plain_port_gets_a_plain_response_and_the_end`

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
