//! Scopes, and the resources they belong to.

/// Scopes that name no resource.
const OIDC: [&str; 4] = ["openid", "profile", "email", "offline_access"];
/// Everything that was granted at a resource.
pub(super) const DEFAULT: &str = ".default";
/// The scopes of a request, by resource.
#[derive(Clone, Default)]
pub(super) struct Scopes {
    pub oidc: Vec<String>,
    pub asked: Vec<Asked>,
}

/// What is asked of one resource.
#[derive(Clone)]
pub(super) struct Asked {
    pub resource: String,
    /// How the request names the resource; empty for Graph's short scopes.
    prefix: String,
    pub names: Vec<String>,
}

impl Scopes {
    pub fn parse(text: &str) -> Self {
        let mut scopes = Self::default();
        for word in text.split_whitespace() {
            if OIDC.contains(&word) {
                scopes.oidc.push(word.into());
                continue;
            }
            let (prefix, name) = word.rsplit_once('/').unwrap_or(("", word));
            let resource = resource(prefix);
            let same = |asked: &&mut Asked| asked.resource == resource;
            match scopes.asked.iter_mut().find(same) {
                Some(asked) => asked.names.push(name.into()),
                None => scopes.asked.push(Asked {
                    resource,
                    prefix: prefix.into(),
                    names: vec![name.into()],
                }),
            }
        }
        scopes
    }

    pub fn has(&self, oidc: &str) -> bool {
        self.oidc.iter().any(|scope| scope == oidc)
    }
}

/// The resource behind a scope's prefix.
fn resource(prefix: &str) -> String {
    let host = prefix.split_once("://").map_or(prefix, |(_, host)| host);
    let host = host.trim_end_matches('/').to_ascii_lowercase();
    match host.as_str() {
        ""
        | "graph.microsoft.com"
        | "graph.microsoft.us"
        | "dod-graph.microsoft.us"
        | "microsoftgraph.chinacloudapi.cn" => "graph".into(),
        "outlook.office.com"
        | "outlook.office365.com"
        | "outlook.office365.us"
        | "outlook-dod.office365.us"
        | "webmail.apps.mil"
        | "partner.outlook.cn" => "outlook".into(),
        _ => host,
    }
}

/// The `scope` of an answer: what was asked of OpenID, and all that is granted at the resource.
pub(super) fn answered_scope(
    oidc: &[String],
    asked: &Asked,
    granted: &[String],
    short: bool,
) -> String {
    let mut words: Vec<String> = oidc
        .iter()
        .filter(|scope| *scope != "offline_access")
        .cloned()
        .collect();
    let default = asked.names.iter().filter(|name| *name == DEFAULT);
    for name in granted.iter().chain(default) {
        let prefix = &asked.prefix;
        let bare = short || prefix.is_empty();
        words.push(if bare {
            name.clone()
        } else {
            format!("{prefix}/{name}")
        });
    }
    words.join(" ")
}
