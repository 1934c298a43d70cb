//! nginx between the client and the server.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio::{net::TcpStream, time::sleep};

use crate::trial::{soon, tell};

pub(crate) struct Nginx {
    child: Child,
    prefix: PathBuf,
    pub(crate) addr: SocketAddr,
}

impl Nginx {
    /// Starts nginx. Returns `None` if it is not installed and `REQUIRE_SERVERS` is not set.
    pub(crate) async fn start(backend: SocketAddr, send_buffer: Option<u32>) -> Option<Self> {
        let Some(program) =
            ["/usr/sbin/nginx", "/usr/bin/nginx"].into_iter().find(|path| Path::new(path).exists())
        else {
            assert!(std::env::var_os("REQUIRE_SERVERS").is_none(), "nginx is not installed");
            tell("SKIPPED: nginx is not installed");
            return None;
        };
        // nginx cannot report its port. This one was free a moment ago.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = free.local_addr().unwrap();
        drop(free);
        let prefix = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("world-nginx-{}", addr.port()));
        std::fs::create_dir_all(&prefix).unwrap();
        let buffer = send_buffer.map(|size| format!(" sndbuf={size}")).unwrap_or_default();
        let config = format!(
            "daemon off; master_process off; pid nginx.pid; error_log error.log;\n\
             events {{ worker_connections 64; }}\n\
             http {{\n\
               access_log off;\n\
               client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;\n\
               uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n\
               server {{\n\
                 listen {addr}{buffer};\n\
                 location / {{\n\
                   proxy_pass http://{backend};\n\
                   proxy_http_version 1.1;\n\
                   proxy_set_header Upgrade $http_upgrade;\n\
                   proxy_set_header Connection upgrade;\n\
                   proxy_read_timeout 1h; proxy_send_timeout 1h;\n\
                 }}\n\
               }}\n\
             }}\n"
        );
        let file = prefix.join("nginx.conf");
        std::fs::write(&file, config).unwrap();
        let child = Command::new(program)
            .args(["-e", "error.log", "-c"])
            .arg(&file)
            .arg("-p")
            .arg(&prefix)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        soon("nginx", async {
            // nginx does not report when it listens.
            while TcpStream::connect(addr).await.is_err() {
                sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        Some(Self { child, prefix, addr })
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // There is one process, without workers.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.prefix);
    }
}
