//! wtx on the bare socket; it is only asked to echo.

use tokio::net::TcpStream;
use wtx::{
    collection::Vector,
    web_socket::{OpCode, WebSocketAcceptor, WebSocketPayloadOrigin},
};

pub(super) async fn connection(io: TcpStream) {
    let accepted: wtx::Result<_> = WebSocketAcceptor::default().no_masking(false).accept(io).await;
    let Ok(mut socket) = accepted else { return };
    let (mut common, mut reader, mut writer) = socket.split_mut();
    let mut buffer = Vector::new();
    while let Ok(mut frame) =
        reader.read_frame(&mut buffer, &mut common, WebSocketPayloadOrigin::Adaptive).await
    {
        match frame.op_code() {
            OpCode::Text | OpCode::Binary if writer.write_frame(&mut common, &mut frame).await.is_err() => {
                return;
            }
            OpCode::Close => return,
            _ => {}
        }
    }
}
