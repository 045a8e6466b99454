//! A port that nobody listens on.

use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

/// A port of this machine that refuses every connection: it is taken, and nobody listens. Nobody else can
/// take it while this lives.
pub struct ClosedPort {
    pub number: u16,
    _socket: Socket,
}

impl ClosedPort {
    pub fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        socket.bind(&any.into()).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        Self {
            number: address.port(),
            _socket: socket,
        }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.number)
    }
}
