//! What is asked of Microsoft's clouds, and where.

use oauth2::url::Url;

use super::AuthError;
use crate::config::{Cloud, SignInSettings};

/// What an access token is for. One token serves one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// Microsoft Graph.
    Graph,
    /// Exchange Online itself: Exchange Web Services and SMTP.
    Outlook,
}

impl Resource {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Graph, Self::Outlook];

    /// Its name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Graph => "Microsoft Graph",
            Self::Outlook => "Exchange Online",
        }
    }
}

impl Cloud {
    /// The cloud that the secrets file names; the global one if it names none.
    ///
    /// # Errors
    /// When there is no cloud of that name.
    pub fn of(settings: &SignInSettings) -> Result<Self, AuthError> {
        let name = settings.cloud.as_deref();
        Self::named(name).ok_or_else(|| {
            AuthError::setting(
                "cloud",
                format!(
                    "`{}` is not one of Microsoft's clouds",
                    name.unwrap_or_default()
                ),
                "write \"global\", \"us-gov\", \"us-dod\" or \"china\"",
            )
        })
    }

    /// Where sign-in takes place: the cloud's own address, or the one that the secrets file names.
    /// Any host but Microsoft's and this machine is refused, for it would be shown the tokens.
    ///
    /// # Errors
    /// When the address is not a URL or its host is refused.
    pub fn authority(self, settings: &SignInSettings) -> Result<Url, AuthError> {
        let written = settings
            .authority
            .clone()
            .unwrap_or_else(|| format!("https://{}", self.login));
        let refuse = |text: String| {
            AuthError::setting(
                "authority",
                text,
                "leave the key out: `cloud` names the national clouds",
            )
        };
        let url = Url::parse(&written).map_err(|_| refuse(format!("`{written}` is not a URL")))?;
        if !Cloud::may_see_tokens(&url, &Cloud::ALL.map(|cloud| cloud.login)) {
            return Err(refuse(format!(
                "`{written}` is not Microsoft's, so nothing was asked there"
            )));
        }
        Ok(url)
    }

    /// The scopes that are asked for to reach a resource: by name where the secrets file does so,
    /// else all that the registration was granted.
    #[must_use]
    pub fn scopes(self, resource: Resource, settings: &SignInSettings) -> Vec<String> {
        let (host, named) = match resource {
            Resource::Graph => (self.graph, settings.graph_scopes.as_deref()),
            Resource::Outlook => (self.outlook, settings.scope.as_deref()),
        };
        let words = named.unwrap_or_default().split_whitespace();
        let named: Vec<String> = words.map(str::to_owned).collect();
        if named.is_empty() {
            vec![format!("https://{host}/.default")]
        } else {
            named
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(authority: Option<&str>, cloud: Option<&str>) -> SignInSettings {
        SignInSettings {
            authority: authority.map(str::to_owned),
            cloud: cloud.map(str::to_owned),
            ..SignInSettings::default()
        }
    }

    #[test]
    fn the_cloud_names_the_hosts() {
        for (name, login, scope) in [
            (
                None,
                "login.microsoftonline.com",
                "https://graph.microsoft.com/.default",
            ),
            (
                Some("us-dod"),
                "login.microsoftonline.us",
                "https://dod-graph.microsoft.us/.default",
            ),
            (
                Some("china"),
                "login.partner.microsoftonline.cn",
                "https://microsoftgraph.chinacloudapi.cn/.default",
            ),
        ] {
            let settings = settings(None, name);
            let cloud = Cloud::of(&settings).unwrap();
            assert_eq!(cloud.authority(&settings).unwrap().host_str(), Some(login));
            assert_eq!(cloud.scopes(Resource::Graph, &settings), [scope]);
        }
        assert!(Cloud::of(&settings(None, Some("moon"))).is_err());
    }

    #[test]
    fn tokens_are_shown_to_no_other_host() {
        for (authority, allowed) in [
            ("https://login.microsoftonline.us", true),
            ("http://127.0.0.1:8080", true),
            ("http://login.microsoftonline.com", false),
            ("https://login.microsoftonline.com.evil.example", false),
            ("https://evil.example/login.microsoftonline.com", false),
            ("https://login.microsoftonline.com@evil.example", false),
            ("login.microsoftonline.com", false),
        ] {
            let settings = settings(Some(authority), None);
            let cloud = Cloud::of(&settings).unwrap();
            assert_eq!(cloud.authority(&settings).is_ok(), allowed, "{authority}");
        }
    }

    #[test]
    fn scopes_are_asked_for_by_name_where_the_file_names_them() {
        let settings = SignInSettings {
            graph_scopes: Some(" https://graph.microsoft.com/Mail.Send  User.Read ".into()),
            ..SignInSettings::default()
        };
        let cloud = Cloud::of(&settings).unwrap();
        assert_eq!(
            cloud.scopes(Resource::Graph, &settings),
            ["https://graph.microsoft.com/Mail.Send", "User.Read"]
        );
        assert_eq!(
            cloud.scopes(Resource::Outlook, &settings),
            ["https://outlook.office.com/.default"]
        );
    }
}
