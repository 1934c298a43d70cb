//! Tests the metrics that Prometheus reads.

use http::Request;
use metrics_exporter_prometheus::PrometheusBuilder;
use tower_websocket::{CloseCode, Message, Shutdown, testing::connect};

use crate::app;

#[tokio::test(start_paused = true)]
async fn each_event_is_counted() {
    let shutdown = Shutdown::new();
    let app = app(PrometheusBuilder::new().install_recorder().unwrap(), shutdown.clone());
    let scrape = async || {
        let request = Request::get("/metrics").header("connection", "keep-alive");
        let page = connect(app.clone(), request).await.unwrap_err();
        String::from_utf8(page.body().to_vec()).unwrap()
    };

    let mut first = connect(app.clone(), "/ws").await.unwrap();
    let mut second = connect(app.clone(), "/ws").await.unwrap();
    first.send("hello").await.unwrap();
    assert_eq!(first.recv_text().await, "hello");
    second.send(Message::binary(vec![0; 1000])).await.unwrap();
    assert_eq!(second.recv().await.unwrap().unwrap().len(), 1000);
    for (name, value) in [("origin", "https://evil.org"), ("sec-websocket-version", "8")] {
        connect(app.clone(), Request::get("/ws").header(name, value)).await.unwrap_err();
    }
    connect(app.clone(), "/nothing").await.unwrap_err();
    assert_eq!(second.close(CloseCode::application(4001), "").await.0, 4001);

    let page = scrape().await;
    for line in [
        "websocket_open 1",
        "websocket_rejected_total{kind=\"forbidden_origin\",status=\"403\"} 1",
        "websocket_rejected_total{kind=\"unsupported_version\",status=\"426\"} 1",
        "websocket_closed_total{code=\"4001\"} 1",
        "websocket_messages_total{direction=\"out\"} 1",
        "websocket_bytes_total{direction=\"out\"} 1000",
        "websocket_wire_bytes_total{direction=\"out\"} 1008",
    ] {
        assert!(page.lines().any(|found| found == line), "{line}, in\n{page}");
    }
    drop(first);
    shutdown.idle().await;
    let page = scrape().await;
    assert!(page.contains("websocket_open 0\n") && page.contains("{code=\"1006\"} 1\n"), "{page}");
}
