//! Addresses as reports write them, and whether they are one of ours.

use std::borrow::Cow;

/// The address of a field such as `rfc822;a@b.example` (RFC 3464 section 2.1.2), decoded from xtext
/// (RFC 3461 section 4) and from the form that Exchange gives foreign addresses.
#[must_use]
pub(crate) fn of_field(value: &str) -> Option<String> {
    let address = match value.split_once(';') {
        Some((_, address)) => address,
        None => value,
    };
    plain(address)
}

/// An address without brackets, comments and encodings; none where there is none.
#[must_use]
pub(crate) fn plain(text: &str) -> Option<String> {
    let text = match (text.find('<'), text.rfind('>')) {
        (Some(from), Some(to)) if from < to => &text[from + 1..to],
        _ => text.split_whitespace().next().unwrap_or_default(),
    };
    let text = text.trim_matches(|c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '<' | '>' | '"' | '\'' | '(' | ')' | ',' | ':' | ';' | '.'
            )
    });
    let text = text.strip_prefix("mailto:").unwrap_or(text);
    let text = of_exchange(text).map_or(Cow::Borrowed(text), Cow::Owned);
    text.contains('@').then(|| text.into_owned())
}

/// `IMCEASMTP-name+40school+2Eexample@ours.example` is how Exchange writes name@school.example.
fn of_exchange(text: &str) -> Option<String> {
    let head = text.get(..10)?;
    let is_encoded = head.eq_ignore_ascii_case("IMCEASMTP-");
    let rest = is_encoded.then(|| text.get(10..))??;
    let (encoded, _) = rest.rsplit_once('@')?;
    Some(unescaped(encoded))
}

/// Text in which a plus sign and two hexadecimal digits stand for an octet.
#[must_use]
pub(crate) fn unescaped(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escaped = (*byte == b'+')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let Some(octet) = escaped {
            plain.push(octet);
            at += 3;
        } else {
            plain.push(*byte);
            at += 1;
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// Which of the addresses that a message was written to is this one.
#[must_use]
pub(crate) fn among<'a>(ours: &[&'a str], address: &str) -> Option<&'a str> {
    let is = |wanted: &str| {
        let wanted = folded(wanted);
        ours.iter().copied().find(|own| folded(own) == wanted)
    };
    is(address).or_else(|| {
        // ORCPT travels in xtext, and some servers give it back as it came; a plus sign of the
        // address itself is tried as it stands first.
        let decoded = unescaped(address);
        if decoded == address {
            None
        } else {
            is(&decoded)
        }
    })
}

/// The form under which two spellings are the same address: lower case, the domain in ASCII.
#[must_use]
pub(crate) fn folded(address: &str) -> String {
    let Some((local, domain)) = address.rsplit_once('@') else {
        return address.to_lowercase();
    };
    let domain = idna::domain_to_ascii(domain.trim_end_matches('.'))
        .unwrap_or_else(|_| domain.to_lowercase());
    format!("{}@{domain}", local.to_lowercase())
}

/// The addresses that stand in a text.
pub(crate) fn in_text(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| {
        c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | '[' | ']' | '"' | ',' | ';' | '|')
    })
    .filter(|word| word.contains('@'))
    .filter_map(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_known_in_every_spelling() {
        let ours = ["Head@School1.example", "a+b@xn--mller-kva.example"];
        for (text, own) in [
            ("rfc822;head@school1.example", Some(ours[0])),
            ("RFC822; <HEAD@SCHOOL1.EXAMPLE>", Some(ours[0])),
            ("rfc822;a+2Bb@xn--mller-kva.example", Some(ours[1])),
            ("rfc822;a+b@xn--mller-kva.example", Some(ours[1])),
            ("utf-8;a+b@müller.example", Some(ours[1])),
            (
                "rfc822;IMCEASMTP-head+40school1+2Eexample@tenant.example",
                Some(ours[0]),
            ),
            ("rfc822;other@school1.example", None),
            ("x400;/o=x", None),
        ] {
            let found = of_field(text).and_then(|address| among(&ours, &address));
            assert_eq!(found, own, "{text}");
        }
    }
}
