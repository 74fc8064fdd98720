//! The cases: kinds of misuse, each in several forms, most of them at several sizes.

mod after_free;
mod control;
mod double_free;
mod foreign;
mod header;
mod interior;
mod links;
mod operators;
mod overflow;
mod read;
mod refusal;
mod resize;
mod secret;
mod sized;
mod underflow;
mod zero;

/// The size of the blocks in question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// Whatever is chosen: the case is not about sizes.
    Any,
    Small,
    Medium,
    Large,
    Huge,
}

impl Size {
    pub(crate) const fn bytes(self) -> usize {
        match self {
            Self::Any | Self::Small => 24,
            Self::Medium => 2000,
            Self::Large => 300 << 10,
            Self::Huge => 4 << 20,
        }
    }

    const fn name(self) -> Option<&'static str> {
        match self {
            Self::Any => None,
            Self::Small => Some("small"),
            Self::Medium => Some("medium"),
            Self::Large => Some("large"),
            Self::Huge => Some("huge"),
        }
    }
}

const USUAL: &[Size] = &[Size::Small, Size::Medium, Size::Large];

/// What the end of a case means, if it is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The misuse went through.
    Harm,
    /// The misuse was in vain.
    NoHarm,
}

use End::{Harm, NoHarm};

impl End {
    const fn harm_if(harm: bool) -> Self {
        if harm { Harm } else { NoHarm }
    }
}

/// A form of misuse, at several sizes.
#[derive(Clone, Copy)]
struct Form {
    name: &'static str,
    sizes: &'static [Size],
    run: fn(usize) -> End,
    /// The sizes at which no allocator could notice, and why.
    blind: Option<(&'static [Size], &'static str)>,
}

impl Form {
    /// At the usual sizes.
    const fn new(name: &'static str, run: fn(usize) -> End) -> Self {
        Self { name, sizes: USUAL, run, blind: None }
    }

    /// At no particular size.
    const fn any(name: &'static str, run: fn(usize) -> End) -> Self {
        Self::new(name, run).at(&[Size::Any])
    }

    const fn at(self, sizes: &'static [Size]) -> Self {
        Self { sizes, ..self }
    }

    const fn blind(self, sizes: &'static [Size], why: &'static str) -> Self {
        Self { blind: Some((sizes, why)), ..self }
    }
}

/// One misuse.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) size: Size,
    /// Why no allocator could notice, if so.
    pub(crate) blind: Option<&'static str>,
    pub(crate) run: fn(usize) -> End,
}

impl Case {
    fn new(kind: &'static str, form: &Form, size: Size) -> Self {
        let name = match size.name() {
            Some(size) => format!("{}/{size}", form.name),
            None => form.name.to_owned(),
        };
        let blind = form.blind.filter(|(sizes, _)| sizes.contains(&size)).map(|(_, why)| why);
        Self { kind, name, size, blind, run: form.run }
    }

    /// Whether it is one in which nothing is wrong.
    pub(crate) fn is_control(&self) -> bool {
        self.kind == CONTROL
    }
}

const CONTROL: &str = "control";

const KINDS: &[(&str, &[Form])] = &[
    ("interior pointer", interior::FORMS),
    ("double free", double_free::FORMS),
    ("foreign pointer", foreign::FORMS),
    ("resize and size", resize::FORMS),
    ("header", header::FORMS),
    ("overflow", overflow::FORMS),
    ("underflow", underflow::FORMS),
    ("stray read", read::FORMS),
    ("use after free", after_free::FORMS),
    ("secret", secret::FORMS),
    ("links", links::FORMS),
    ("zero size", zero::FORMS),
    ("sized free", sized::FORMS),
    ("C++", operators::FORMS),
    ("absurd request", refusal::FORMS),
    (CONTROL, control::FORMS),
];

/// All of them, by kind.
pub(crate) fn all() -> Vec<Case> {
    let forms = KINDS.iter().flat_map(|&(kind, forms)| forms.iter().map(move |form| (kind, form)));
    forms.flat_map(|(kind, form)| form.sizes.iter().map(move |&size| Case::new(kind, form, size))).collect()
}

/// The case of that name.
pub(crate) fn named(name: &str) -> Option<Case> {
    all().into_iter().find(|case| case.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_case_has_a_name_of_its_own() {
        let all = all();
        let names: HashSet<&str> = all.iter().map(|case| &case.name[..]).collect();
        assert_eq!(names.len(), all.len());
        for name in names {
            let plain = |letter: char| letter.is_ascii_alphanumeric() || "-/".contains(letter);
            assert!(name.chars().all(plain), "{name}");
            assert_eq!(named(name).unwrap().name, name);
        }
    }

    #[test]
    fn there_are_many_that_can_be_noticed_and_a_few_that_cannot() {
        let all = all();
        let misuses = || all.iter().filter(|case| !case.is_control());
        assert!(misuses().filter(|case| case.blind.is_none()).count() >= 120);
        assert!(misuses().any(|case| case.blind.is_some()));
        assert!(all.iter().filter(|case| case.is_control()).count() >= 5);
    }

    #[test]
    fn a_form_is_blind_only_at_sizes_that_it_has() {
        for (_, forms) in KINDS {
            for form in forms.iter() {
                let blind = form.blind.map_or(&[][..], |(sizes, _)| sizes);
                assert!(blind.iter().all(|size| form.sizes.contains(size)), "{}", form.name);
            }
        }
    }
}
