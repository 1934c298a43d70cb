//! What a test asks for.

use http::{
    HeaderValue, Request, Uri,
    header::{CONNECTION, HOST, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE},
    request::Builder,
    uri::PathAndQuery,
};

/// What [`connect`](super::connect) can ask for: a path, a [`Uri`], a [`Request`], or the
/// [`Builder`] of one, as it stands. The trait is sealed.
pub trait IntoRequest: Sealed {
    /// Returns the request.
    ///
    /// # Panics
    ///
    /// Panics if the value is not a valid URI or request.
    fn into_request(self) -> Request<()>;
}

/// What has no implementations but those of this file.
#[expect(unnameable_types, reason = "it seals `IntoRequest`")]
pub trait Sealed {}

impl Sealed for Request<()> {}

impl Sealed for Builder {}

impl Sealed for Uri {}

impl Sealed for &str {}

impl IntoRequest for Request<()> {
    fn into_request(self) -> Request<()> {
        self
    }
}

impl IntoRequest for Builder {
    #[track_caller]
    fn into_request(self) -> Request<()> {
        self.body(()).unwrap_or_else(|error| panic!("the request cannot be built: {error}"))
    }
}

impl IntoRequest for Uri {
    fn into_request(self) -> Request<()> {
        let mut request = Request::new(());
        *request.uri_mut() = self;
        request
    }
}

impl IntoRequest for &str {
    #[track_caller]
    fn into_request(self) -> Request<()> {
        let uri = self.parse::<Uri>().unwrap_or_else(|error| panic!("{self:?} is no URI: {error}"));
        uri.into_request()
    }
}

/// Adds what an opening handshake has (RFC 6455 §4.1) and `request` has not, and gives it the form
/// it has on the wire.
pub(super) fn complete(request: &mut Request<()>) {
    // A key that is the same in every test will do: nothing here is cached on the way.
    const KEY: HeaderValue = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");

    let host = match request.uri().authority() {
        Some(authority) => {
            HeaderValue::from_str(authority.as_str()).expect("an authority is a header's value")
        }
        None => HeaderValue::from_static("localhost"),
    };
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = path.unwrap_or(PathAndQuery::from_static("/")).into();

    let headers = request.headers_mut();
    headers.entry(HOST).or_insert(host);
    headers.entry(CONNECTION).or_insert(HeaderValue::from_static("Upgrade"));
    headers.entry(UPGRADE).or_insert(HeaderValue::from_static("websocket"));
    headers.entry(SEC_WEBSOCKET_VERSION).or_insert(HeaderValue::from_static("13"));
    headers.entry(SEC_WEBSOCKET_KEY).or_insert(KEY);
}
