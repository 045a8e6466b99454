//! What DNS says of the domains that letters go to.
//!
//! It is asked once for each domain, for its mail servers (RFC 5321 section 5.1), and within bounds: a name
//! server that does not answer says nothing about a domain.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{Resolver, TokioResolver};
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// Questions on their way at once.
const AT_ONCE: usize = 16;
/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long all of them may take.
const ALL: Duration = Duration::from_secs(30);

/// What DNS says of a domain as a place for mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MailDomain {
    /// It names its mail servers.
    HasServers,
    /// There is no such domain.
    Missing,
    /// It says that it takes no mail (RFC 7505).
    TakesNone,
    /// It names no mail server. Mail would go to a machine of its own name, if there is one.
    NamesNone,
    /// Nobody answered, or what was answered says nothing.
    Unknown,
}

/// Asks about domains.
pub(crate) struct MailDomains {
    runtime: Runtime,
    resolver: TokioResolver,
}

impl MailDomains {
    /// Gets ready to ask the system's name servers, or this one; none where there is nobody to ask.
    #[must_use]
    pub(crate) fn new(server: Option<SocketAddr>) -> Option<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .ok()?;
        let provider = TokioRuntimeProvider::default();
        let mut builder = match server {
            None => Resolver::builder(provider).ok()?,
            Some(server) => Resolver::builder_with_config(config_of(server), provider),
        };
        let options = builder.options_mut();
        options.timeout = PATIENCE;
        options.attempts = 1;
        options.use_hosts_file = ResolveHosts::Never;
        let resolver = {
            let _inside = runtime.enter();
            builder.build().ok()?
        };
        Some(Self { runtime, resolver })
    }

    /// What DNS says of each of these domains, in their order.
    #[must_use]
    pub(crate) fn ask(&self, domains: &[String]) -> Vec<MailDomain> {
        self.runtime.block_on(async {
            let questions = domains.iter().map(|domain| self.ask_one(domain));
            let mut answers = stream::iter(questions).buffered(AT_ONCE);
            let mut known = Vec::new();
            let all = async {
                while let Some(answer) = answers.next().await {
                    known.push(answer);
                }
            };
            // What was not answered when the time is up is not known.
            let _ = timeout(ALL, all).await;
            known.resize(domains.len(), MailDomain::Unknown);
            known
        })
    }

    async fn ask_one(&self, domain: &str) -> MailDomain {
        let ascii = idna::domain_to_ascii(domain).unwrap_or_else(|_| domain.to_owned());
        // The dot at its end keeps domains of this machine from being tried behind it.
        let Ok(name) = Name::from_ascii(format!("{}.", ascii.trim_end_matches('.'))) else {
            return MailDomain::Unknown;
        };
        let answer = match self.resolver.lookup(name, RecordType::MX).await {
            Ok(answer) => answer,
            Err(error) => return of_error(&error),
        };
        let mut servers = answer
            .answers()
            .iter()
            .filter_map(|record| match &record.data {
                RData::MX(server) => Some(server),
                _ => None,
            })
            .peekable();
        if servers.peek().is_none() {
            MailDomain::NamesNone
        } else if servers.all(|server| server.exchange.is_root()) {
            MailDomain::TakesNone
        } else {
            MailDomain::HasServers
        }
    }
}

fn of_error(error: &NetError) -> MailDomain {
    use hickory_resolver::net::{DnsError, NoRecords};
    use hickory_resolver::proto::op::ResponseCode;
    match error {
        NetError::Dns(DnsError::NoRecordsFound(NoRecords { response_code, .. })) => {
            match response_code {
                ResponseCode::NXDomain => MailDomain::Missing,
                ResponseCode::NoError => MailDomain::NamesNone,
                _ => MailDomain::Unknown,
            }
        }
        _ => MailDomain::Unknown,
    }
}

/// One name server, over UDP and, for long answers, TCP.
fn config_of(server: SocketAddr) -> ResolverConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
    let connections = connections.into_iter().map(|mut connection| {
        connection.port = server.port();
        connection
    });
    let server = NameServerConfig::new(server.ip(), true, connections.collect());
    ResolverConfig::from_name_servers(vec![server])
}

#[cfg(test)]
mod tests;
