//! wtx on the bare socket. Its server here only echoes, or drops messages.

use httparse::Request;
use wtx::{
    collection::Vector,
    stream::Stream,
    web_socket::{OpCode, WebSocketAcceptor, WebSocketPayloadOrigin},
};

pub(super) async fn connection<S: Stream>(io: S) {
    let mut is_sink = false;
    let look = |request: &Request<'_, '_>| {
        is_sink = request.path == Some("/sink");
        Ok(())
    };
    let accepted: wtx::Result<_> = WebSocketAcceptor::default().no_masking(false).req(look).accept(io).await;
    let Ok(mut socket) = accepted else { return };
    let (mut common, mut reader, mut writer) = socket.split_mut();
    let mut buffer = Vector::new();
    while let Ok(mut frame) =
        reader.read_frame(&mut buffer, &mut common, WebSocketPayloadOrigin::Adaptive).await
    {
        match frame.op_code() {
            OpCode::Text | OpCode::Binary if is_sink => {}
            OpCode::Text | OpCode::Binary if writer.write_frame(&mut common, &mut frame).await.is_err() => {
                return;
            }
            OpCode::Close => return,
            _ => {}
        }
    }
}
