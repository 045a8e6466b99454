//! Texts made comparable: what a PDF shows and what a list writes are seldom the same characters.
//!
//! A PDF breaks names over lines, hyphenates them, draws two letters as one glyph, writes an accent
//! as a character of its own and an apostrophe as a quotation mark. So only letters and digits are
//! compared, in compatibility form (NFKD of UAX #15), without accents, in lower case. Where words
//! begin is kept beside them, because `1001` is not in `21001`.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A glyph whose letter is lost.
const LOST: char = '\u{fffd}';

/// A text made comparable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wording {
    /// Letters and digits; between two digits that do not stand together there is a blank.
    letters: Vec<char>,
    /// What stands before each of them.
    edges: Vec<Edge>,
}

/// What stands before a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Edge {
    /// The letter before it, in the same word.
    Inside,
    /// The same, but a capital begins here: perhaps a word whose blank was lost.
    Capital,
    /// A blank, a sign or nothing.
    Word,
}

impl Wording {
    /// Makes a text comparable.
    pub fn of(text: &str) -> Self {
        let mut wording = Self::default();
        let mut characters = text.chars().peekable();
        let mut edge = Edge::Word;
        let mut before = ' ';
        while let Some(character) = characters.next() {
            if is_invisible(character) {
                continue;
            }
            if is_hyphen(character) && before.is_alphabetic() {
                // A hyphen at the end of a line may be the line's, and the word may go on.
                let mut ahead = characters.clone().skip_while(|next| is_invisible(*next));
                let ends_line = ahead
                    .by_ref()
                    .find(|next| !matches!(next, ' ' | '\u{a0}'))
                    .is_some_and(|next| matches!(next, '\n' | '\r'));
                if ends_line {
                    while characters
                        .next_if(|next| next.is_whitespace() || is_invisible(*next))
                        .is_some()
                    {}
                    continue;
                }
            }
            if before.is_lowercase() && character.is_uppercase() {
                edge = edge.max(Edge::Capital);
            }
            before = character;
            for letter in std::iter::once(character).nfkd() {
                if is_combining_mark(letter) {
                    continue;
                }
                if letter.is_alphanumeric() || letter == LOST {
                    wording.push(letter, edge);
                    edge = Edge::Inside;
                } else if !is_apostrophe(letter) {
                    edge = Edge::Word;
                }
            }
        }
        wording
    }

    fn push(&mut self, letter: char, mut edge: Edge) {
        let between_digits = letter.is_numeric()
            && edge == Edge::Word
            && self.letters.last().is_some_and(|last| last.is_numeric());
        if between_digits {
            self.letters.push(' ');
            self.edges.push(Edge::Word);
        }
        let mut add = |letter| {
            self.letters.push(letter);
            self.edges.push(edge);
            edge = Edge::Inside;
        };
        match letter {
            'ß' | 'ẞ' => ['s', 's'].map(&mut add).len(),
            'æ' | 'Æ' => ['a', 'e'].map(&mut add).len(),
            'œ' | 'Œ' => ['o', 'e'].map(&mut add).len(),
            'þ' | 'Þ' => ['t', 'h'].map(&mut add).len(),
            'ø' | 'Ø' => ['o'].map(&mut add).len(),
            'ł' | 'Ł' => ['l'].map(&mut add).len(),
            'đ' | 'Đ' | 'ð' | 'Ð' => ['d'].map(&mut add).len(),
            'ı' => ['i'].map(&mut add).len(),
            _ => letter
                .to_lowercase()
                .filter(|letter| !is_combining_mark(*letter))
                .map(add)
                .count(),
        };
    }

    /// How many letters and digits there are.
    pub fn len(&self) -> usize {
        self.letters.len()
    }

    /// Whether there is nothing to compare.
    pub fn is_empty(&self) -> bool {
        self.letters.is_empty()
    }

    /// The letters and digits.
    pub fn letters(&self) -> &[char] {
        &self.letters
    }

    /// Whether there are digits only.
    pub fn is_number(&self) -> bool {
        self.letters.iter().all(|letter| letter.is_numeric())
    }

    /// Whether a word begins at `at`, or the text ends there.
    pub fn is_edge(&self, at: usize) -> bool {
        self.edge(at) == Edge::Word
    }

    fn edge(&self, at: usize) -> Edge {
        self.edges.get(at).copied().unwrap_or(Edge::Word)
    }

    /// Whether `wanted` stands in this text as whole words.
    pub fn shows(&self, wanted: &Self) -> bool {
        let length = wanted.len();
        !wanted.is_empty()
            && self.letters.windows(length).enumerate().any(|(at, part)| {
                part == wanted.letters
                    && self.edge(at) >= Edge::Capital
                    && self.edge(at + length) >= Edge::Capital
            })
    }

    /// Whether `wanted` may stand in this text: glyphs whose letters are lost count as whatever is
    /// wanted there, up to three letters each or an accent, and letters that are written from the
    /// right may stand in the order they are seen in.
    pub fn may_show(&self, wanted: &Self) -> bool {
        if wanted
            .letters
            .iter()
            .any(|letter| is_from_the_right(*letter))
        {
            return true;
        }
        if !self.letters.contains(&LOST) {
            return false;
        }
        let end = wanted.len();
        let mut reached = vec![false; end + 1];
        let mut next = vec![false; end + 1];
        for letter in &self.letters {
            next.fill(false);
            reached[0] = true;
            for at in (0..end).filter(|at| reached[*at]) {
                if *letter == LOST {
                    for slot in &mut next[at..=(at + 3).min(end)] {
                        *slot = true;
                    }
                } else if wanted.letters[at] == *letter {
                    next[at + 1] = true;
                } else if wanted.letters[at] == ' ' && wanted.letters.get(at + 1) == Some(letter) {
                    next[at + 2] = true;
                }
            }
            if next[end] {
                return true;
            }
            std::mem::swap(&mut reached, &mut next);
        }
        false
    }
}

fn is_hyphen(character: char) -> bool {
    matches!(character, '-' | '\u{2010}' | '\u{2011}')
}

fn is_apostrophe(character: char) -> bool {
    matches!(
        character,
        '\'' | '\u{2019}' | '\u{2018}' | '\u{2bc}' | '\u{60}' | '\u{b4}'
    )
}

/// Soft hyphens and marks without width.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Hebrew, Arabic and their presentation forms.
fn is_from_the_right(letter: char) -> bool {
    matches!(letter, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shows(text: &str, wanted: &str) -> bool {
        Wording::of(text).shows(&Wording::of(wanted))
    }

    const NAME: &str = "Lycée Françoise Office — St. Mary's Primary";

    #[test]
    fn a_name_is_found_however_it_is_set() {
        for text in [
            NAME,
            "LYCÉE FRANÇOISE OFFICE — ST. MARY’S PRIMARY",
            "Report for Lycée Fran-\nçoise Of\u{ad}\nfice – St. Mary\u{2019}s Pri\u{2010}\nmary, 2024",
            "Lyce\u{301}e Franc\u{327}oise O\u{fb03}ce St Marys Primary",
            "Lycee Francoise Office - St.Mary`s Primary",
            "forLycée Françoise Office — St. Mary's PrimaryAnnual report",
            "L y c é e Françoise Office — St. Mary's Primary",
        ] {
            assert!(shows(text, NAME), "{text}");
        }
        assert!(shows(
            "Straße Łódź Øst Þórr Æble",
            "STRASSE Lodz Ost Thorr Aeble"
        ));
    }

    #[test]
    fn other_names_are_not_found() {
        for text in [
            "Lycée Françoise Office — St. Mary's Infants",
            "Lycée Françoise — St. Mary's Primary",
            "",
        ] {
            assert!(!shows(text, NAME), "{text}");
        }
    }

    #[test]
    fn an_id_is_found_as_a_whole_word_only() {
        for (text, found) in [
            ("School 1001, 2024", true),
            ("(1001)", true),
            ("id:1001-2024", true),
            ("21001", false),
            ("10012", false),
            ("1001B", false),
            ("10 01", false),
            ("10\n01", false),
            ("1,001", false),
        ] {
            assert_eq!(shows(text, "1001"), found, "{text}");
        }
        assert!(shows("RRS 1042", "RRS-1042"));
        assert!(!shows("RRS-10421", "RRS-1042"));
        assert!(!shows("1.5 %", "15 %"));
    }

    #[test]
    fn what_is_lost_may_be_what_is_wanted() {
        let may = |text: &str, wanted: &str| Wording::of(text).may_show(&Wording::of(wanted));
        assert!(may("Lyc\u{fffd}e Fran\u{fffd}oise", "Lycée Françoise"));
        assert!(may("the O\u{fffd}ce", "Office"));
        assert!(may("\u{fffd}\u{fffd}\u{fffd}\u{fffd}", "Oak School"));
        assert!(!may("Lyc\u{fffd}e Fran\u{fffd}oise", "Oak School"));
        assert!(!may("Lycee Francoise", "Oak School"));
        assert!(may("ה", "בית ספר"));
    }

    proptest! {
        #[test]
        fn any_break_between_two_letters_is_overlooked(
            at in 1..37_usize,
            with in prop::sample::select(vec!["\n", "-\n", "\u{ad}", "\u{ad}\n", " \n ", "\u{2010}\r\n", "\u{200b}", "  "]),
            before in "([a-z]{1,9}[ .]){0,3}",
            after in "([ ,.][a-z]{1,9}){0,3}",
        ) {
            let mut name: Vec<char> = NAME.chars().collect();
            // A break beside a blank or sign is one more of those.
            let tail: String = name.split_off(at).into_iter().collect();
            let text = format!("{before}{}{with}{tail}{after}", name.into_iter().collect::<String>());
            prop_assert!(shows(&text, NAME), "{text:?}");
        }

        #[test]
        fn normal_forms_are_the_same(text in "\\PC{0,40}") {
            let composed: String = text.nfc().collect();
            let decomposed: String = text.nfd().collect();
            prop_assert_eq!(Wording::of(&composed).letters, Wording::of(&decomposed).letters);
        }

        #[test]
        fn a_text_shows_itself(text in "[A-Za-z0-9éß .,-]{1,40}") {
            let wording = Wording::of(&text);
            prop_assert!(wording.is_empty() || wording.shows(&wording));
        }
    }
}
