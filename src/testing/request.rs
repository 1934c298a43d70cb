//! The request of a test.

use http::{
    HeaderValue, Request, Uri,
    header::{CONNECTION, HOST, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE},
    request::Builder,
    uri::PathAndQuery,
};

/// A value that [`connect`](super::connect) accepts as a request: a path or URI as text, a [`Uri`],
/// a [`Request`], or a [`Builder`].
///
/// This trait is sealed.
///
/// # Examples
///
/// ```
/// use http::{Request, Uri};
/// use tower_websocket::testing::IntoRequest;
///
/// let uri = Uri::from_static("/chat?room=7");
/// let request = Request::get("/chat").header("origin", "https://example.com");
/// let room = 7;
/// assert_eq!("/chat".into_request().uri(), "/chat");
/// assert_eq!(format!("/chat?room={room}").into_request().uri(), "/chat?room=7");
/// assert_eq!(uri.into_request().uri().query(), Some("room=7"));
/// assert_eq!(request.into_request().headers()["origin"], "https://example.com");
/// ```
pub trait IntoRequest: Sealed {
    /// Converts the value to a request.
    ///
    /// # Panics
    ///
    /// Panics if the value is not a valid URI or request.
    ///
    /// # Examples
    ///
    /// See the [example](Self#examples) of the trait.
    fn into_request(self) -> Request<()>;
}

/// Implemented only in this file.
#[expect(unnameable_types, reason = "it seals `IntoRequest`")]
pub trait Sealed {}

impl Sealed for Request<()> {}

impl Sealed for Builder {}

impl Sealed for Uri {}

impl Sealed for &str {}

impl Sealed for String {}

impl Sealed for &String {}

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
        let uri = self.parse::<Uri>().unwrap_or_else(|error| panic!("{self:?} is not a valid URI: {error}"));
        uri.into_request()
    }
}

impl IntoRequest for String {
    #[track_caller]
    fn into_request(self) -> Request<()> {
        self.as_str().into_request()
    }
}

impl IntoRequest for &String {
    #[track_caller]
    fn into_request(self) -> Request<()> {
        self.as_str().into_request()
    }
}

/// Adds the missing parts of an opening handshake (RFC 6455 §4.1), and gives `request` the form
/// that it has on the wire.
pub(super) fn complete(request: &mut Request<()>) {
    // A constant key is enough, because nothing between client and server caches responses.
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
