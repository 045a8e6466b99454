//! Domains that are a slip of the keyboard away from another.

/// From this length on two slips make a near miss, below it one.
const LONG: usize = 14;
/// Shorter hosts are near too much.
pub(super) const SHORTEST_HOST: usize = 8;

/// Where people have private mailboxes.
pub(super) const HOSTS: [&str; 34] = [
    "aol.com",
    "blueyonder.co.uk",
    "btinternet.com",
    "btopenworld.com",
    "free.fr",
    "fastmail.com",
    "gmail.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.co.uk",
    "hotmail.com",
    "hotmail.fr",
    "icloud.com",
    "laposte.net",
    "live.co.uk",
    "live.com",
    "mac.com",
    "mail.com",
    "me.com",
    "msn.com",
    "ntlworld.com",
    "orange.fr",
    "outlook.com",
    "proton.me",
    "protonmail.com",
    "sky.com",
    "t-online.de",
    "talktalk.net",
    "virginmedia.com",
    "web.de",
    "yahoo.co.uk",
    "yahoo.com",
    "yahoo.fr",
];

/// Endings that no domain has (IANA's root zone), and the one that is next to each on a keyboard.
const SLIPS: [(&str, &str); 28] = [
    ("acuk", "ac.uk"),
    ("ca.uk", "ac.uk"),
    ("cmo", "com"),
    ("coml", "com"),
    ("comm", "com"),
    ("con", "com"),
    ("couk", "co.uk"),
    ("cpm", "com"),
    ("ent", "net"),
    ("ik", "uk"),
    ("hsc.uk", "sch.uk"),
    ("iuk", "uk"),
    ("jk", "uk"),
    ("nett", "net"),
    ("nte", "net"),
    ("ocm", "com"),
    ("ogr", "org"),
    ("orgg", "org"),
    ("orguk", "org.uk"),
    ("sch.ku", "sch.uk"),
    ("schuk", "sch.uk"),
    ("shc.uk", "sch.uk"),
    ("ui", "uk"),
    ("ukk", "uk"),
    ("ul", "uk"),
    ("uo", "uk"),
    ("vom", "com"),
    ("xom", "com"),
];

/// The domain with an ending that exists.
pub(super) fn slip(domain: &str) -> Option<String> {
    SLIPS.iter().find_map(|(slip, better)| {
        let before = domain.strip_suffix(slip)?.strip_suffix('.')?;
        Some(format!("{before}.{better}"))
    })
}

/// Which letters a domain has, as bits: two domains a slip apart differ in two bits at most.
pub(super) fn letters(domain: &str) -> u32 {
    domain.bytes().fold(0, |bits, byte| bits | 1 << (byte % 32))
}

pub(super) fn is_near(domain: &str, letters: u32, meant: &str, meant_letters: u32) -> bool {
    let most = if meant.len() >= LONG { 2 } else { 1 };
    if domain.len().abs_diff(meant.len()) > most
        || (letters ^ meant_letters).count_ones() as usize > 2 * most
    {
        return false;
    }
    // Numbered domains belong together: school1.example is not school2.example with a slip.
    let without_digits = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
    if domain.bytes().any(|byte| byte.is_ascii_digit())
        && without_digits(domain) == without_digits(meant)
    {
        return false;
    }
    match strsim::osa_distance(domain, meant) {
        1 => true,
        // North and south, east and west are two letters apart.
        2 => most == 2 && domain.bytes().next() == meant.bytes().next(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_near_and_another_domain_is_not() {
        let near =
            |domain: &str, meant: &str| is_near(domain, letters(domain), meant, letters(meant));
        for (domain, meant, expected) in [
            ("gmial.com", "gmail.com", true),
            ("gmail.co", "gmail.com", true),
            ("gmaill.com", "gmail.com", true),
            ("northfeild.sch.example", "northfield.sch.example", true),
            ("nothfeild.sch.example", "northfield.sch.example", true),
            ("gmxyl.com", "gmail.com", false),
            ("southfield.sch.example", "northfield.sch.example", false),
            ("school1.example", "school2.example", false),
            ("school1.example", "school12.example", false),
            ("gmail.com", "gmail.com", false),
        ] {
            assert_eq!(near(domain, meant), expected, "{domain} {meant}");
        }
    }

    #[test]
    fn endings_that_no_domain_has_are_slips() {
        assert_eq!(slip("oak.co.ul").as_deref(), Some("oak.co.uk"));
        assert_eq!(slip("oak.couk").as_deref(), Some("oak.co.uk"));
        assert_eq!(slip("oak.con").as_deref(), Some("oak.com"));
        assert_eq!(
            slip("oak.camden.shc.uk").as_deref(),
            Some("oak.camden.sch.uk")
        );
        assert_eq!(slip("oak.co.uk"), None);
        assert_eq!(slip("ca.uk"), None);
        assert_eq!(slip("oakshc.uk"), None);
    }
}
