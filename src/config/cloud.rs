//! Microsoft's clouds and their hosts.

use reqwest::Url;

/// One of Microsoft's clouds. An app is registered in each one apart.
///
/// Hosts: Microsoft, "National cloud deployments" and "National clouds authentication endpoints".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cloud {
    /// Its name in the secrets file.
    pub name: &'static str,
    /// The host of the sign-in.
    pub login: &'static str,
    /// The host of Microsoft Graph.
    pub graph: &'static str,
    /// The host of Exchange Online itself.
    pub outlook: &'static str,
    /// The host of its Exchange Web Services.
    pub ews: &'static str,
}

const CLOUDS: [Cloud; 4] = [
    Cloud {
        name: "global",
        login: "login.microsoftonline.com",
        graph: "graph.microsoft.com",
        outlook: "outlook.office.com",
        ews: "outlook.office365.com",
    },
    Cloud {
        name: "us-gov",
        login: "login.microsoftonline.us",
        graph: "graph.microsoft.us",
        outlook: "outlook.office365.us",
        ews: "outlook.office365.us",
    },
    Cloud {
        name: "us-dod",
        login: "login.microsoftonline.us",
        graph: "dod-graph.microsoft.us",
        outlook: "outlook.office365.us",
        ews: "outlook.office365.us",
    },
    Cloud {
        name: "china",
        login: "login.partner.microsoftonline.cn",
        graph: "microsoftgraph.chinacloudapi.cn",
        outlook: "partner.outlook.cn",
        ews: "partner.outlook.cn",
    },
];

impl Cloud {
    /// All of them.
    pub const ALL: [Self; 4] = CLOUDS;

    /// The cloud of a name; the global one without a name.
    #[must_use]
    pub fn named(name: Option<&str>) -> Option<Self> {
        let name = name.unwrap_or("global");
        CLOUDS.into_iter().find(|cloud| cloud.name == name)
    }

    /// Whether a token may be shown to whoever answers at an address: over TLS at one of these hosts of
    /// Microsoft's, or on this machine.
    #[must_use]
    pub fn may_see_tokens(url: &Url, microsofts: &[&str]) -> bool {
        let host = url.host_str().unwrap_or_default();
        url.scheme() == "https" && microsofts.contains(&host) || Self::is_this_machine(host)
    }

    /// Whether a host, as a URL has it, is this machine.
    #[must_use]
    pub fn is_this_machine(host: &str) -> bool {
        matches!(host, "localhost" | "127.0.0.1" | "[::1]")
    }
}
