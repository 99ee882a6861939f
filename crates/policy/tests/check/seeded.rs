//! Mistakes of every kind seeded into copies of the shipped library: each is
//! found at its line, with why and with what to do, and nothing else is.
//!
//! Mistakes that do not hide each other share a copy, which is loaded once.

use std::{collections::BTreeSet, fs, path::Path};

use comity_policy::{Code, Diagnostic, Library, Report, Severity};
use tempfile::TempDir;

use super::{files, shipped};

/// A mistake: in `file` the text `from` becomes `to`, and the line on which
/// `at` then stands is reported as `code`.
struct Seed {
    code: Code,
    file: &'static str,
    from: &'static str,
    to: &'static str,
    at: &'static str,
}

const fn seed(
    code: Code,
    file: &'static str,
    from: &'static str,
    to: &'static str,
    at: &'static str,
) -> Seed {
    Seed {
        code,
        file,
        from,
        to,
        at,
    }
}

/// Mistakes in modules and registers.
const MODULES: &[Seed] = &[
    seed(
        Code::UnknownKey,
        "instruments/mla-2000/module.yaml",
        "    confidence: low\n    effect: may-refuse",
        "    confidense: low\n    effect: may-refuse",
        "confidense",
    ),
    seed(
        Code::WrongType,
        "instruments/jit/module.yaml",
        "rank: 35",
        "rank: ten",
        "rank: ten",
    ),
    seed(
        Code::WrongValue,
        "instruments/led/module.yaml",
        "status: in-force",
        "status: inforce",
        "status: inforce",
    ),
    seed(
        Code::MissingKey,
        "instruments/uncac/module.yaml",
        "    effect: permit\n",
        "",
        "- id: uncac-46",
    ),
    seed(
        Code::MisplacedKey,
        "instruments/interpol/module.yaml",
        "    effect: permit\n",
        "    effect: permit\n    remedy: {en: \"Ask again\"}\n",
        "remedy: {en: \"Ask again\"}",
    ),
    seed(
        Code::ConditionType,
        "instruments/epoc/module.yaml",
        "context.objection.hours <= 240\n    unless",
        "context.objection.hours <= \"240\"\n    unless",
        "<= \"240\"",
    ),
    seed(
        Code::ConditionSyntax,
        "instruments/ets-30/module.yaml",
        "- context.persons.suspect_below_criminal_age\n",
        "- context.persons.suspect_below_criminal_age &&\n",
        "below_criminal_age &&",
    ),
    seed(
        Code::ConditionForbidden,
        "instruments/cisa/module.yaml",
        "      - context.",
        "      - context has dual_criminality\n      - context.",
        "context has",
    ),
    seed(
        Code::TooLarge,
        "instruments/untoc/module.yaml",
        "- context.offence.max_penalty_months < 48",
        "- ((((((((((((((((((((((((((((((((((context.offence.max_penalty_months < 48))))))))))))))))))))))))))))))))))",
        "((((((((((((((((((((((((((((((((((",
    ),
    seed(
        Code::UnknownFact,
        "instruments/tca/module.yaml",
        "- context.offence.military\n",
        "- context.offence.militery\n",
        "militery",
    ),
    seed(
        Code::UnknownSource,
        "instruments/eio/module.yaml",
        "languages: [de], cite: \"dir-2014-41 art 5(2)\"",
        "languages: [de], cite: \"dir-2014-14 art 5(2)\"",
        "dir-2014-14",
    ),
    seed(
        Code::UnknownValue,
        "instruments/dir-2023-977/module.yaml",
        "starts: received",
        "starts: recieved",
        "recieved",
    ),
    seed(
        Code::UnknownMeasure,
        "instruments/dir-2011-36/module.yaml",
        "include: [",
        "include: [victm, ",
        "victm",
    ),
    seed(
        Code::UnknownInstrument,
        "jurisdictions/pl/module.yaml",
        "prefer: [dir-2023-977, police-informal]",
        "prefer: [dir-2023-799, police-informal]",
        "dir-2023-799",
    ),
    seed(
        Code::UnknownRule,
        "jurisdictions/fr/module.yaml",
        "exception_to: eio-11-1-a\n",
        "exception_to: eio-11-1-aa\n",
        "eio-11-1-aa",
    ),
    seed(
        Code::UnknownAuthority,
        "jurisdictions/se/module.yaml",
        "central_authority: se-ju",
        "central_authority: se-jo",
        "se-jo",
    ),
    seed(
        Code::DuplicateName,
        "jurisdictions/ee/module.yaml",
        "- id: ee-out-incompetent",
        "- id: ee-out",
        "- id: ee-out\n    title:\n      en: \"The authority",
    ),
    seed(
        Code::WrongFolder,
        "jurisdictions/dk/offences.yaml",
        "jurisdiction: DK",
        "jurisdiction: DE",
        "jurisdiction: DE",
    ),
    seed(
        Code::EmptyPeriod,
        "instruments/eu-us-mla/module.yaml",
        "  DE: {since: 2010-02-01,",
        "  DE: {since: 2010-02-01, until: 2009-02-01,",
        "until: 2009-02-01",
    ),
    seed(
        Code::ExceptionWithinModule,
        "jurisdictions/de/module.yaml",
        "exception_to: eio-22-2-consent",
        "exception_to: de-91e-security",
        "exception_to: de-91e-security",
    ),
    seed(
        Code::BoundAndNotBound,
        "instruments/cets-224/module.yaml",
        "  DE: {since: 2022-05-12}\n",
        "  DE: {since: 2022-05-12}\n  CH: {since: 2022-05-12}\n",
        "  CH: {cite:",
    ),
    seed(
        Code::MutualPrecedence,
        "instruments/eio/module.yaml",
        "prevails_over:\n",
        "prevails_over:\n  - {instrument: reg-2018-1805, cite: \"dir-2014-41 art 32\"}\n",
        "- {instrument: reg-2018-1805",
    ),
    // The other half of it.
    seed(
        Code::MutualPrecedence,
        "instruments/reg-2018-1805/module.yaml",
        "",
        "",
        "- {instrument: eio",
    ),
    seed(
        Code::ClockNeverStarts,
        "instruments/pruem-2/module.yaml",
        "starts: match-confirmed",
        "starts: lapsed",
        "starts: lapsed",
    ),
    seed(
        Code::WithoutConfirmer,
        "jurisdictions/us/module.yaml",
        "confirmer: executing-authority, ",
        "",
        "kind: retain-until",
    ),
    seed(
        Code::WrongConfirmer,
        "jurisdictions/ch/module.yaml",
        "bound: issuing, confirmer: issuing-authority",
        "bound: issuing, confirmer: executing-authority",
        "bound: issuing, confirmer: executing-authority",
    ),
    seed(
        Code::WrongParameter,
        "jurisdictions/nl/module.yaml",
        "parameters: {path: \"$.persons[?(@.role=='victim')]",
        "parameters: {path: \"$.persons[?(@.role=='victim']",
        "$.persons[?(@.role=='victim']",
    ),
];

/// Mistakes in the files that all modules share, and of files as such.
const SHARED: &[Seed] = &[
    seed(
        Code::ReservedName,
        "vocabulary.yaml",
        "  TeamUse: [",
        "  Event: [any]\n  TeamUse: [",
        "  Event: [any]",
    ),
    seed(
        Code::UnknownType,
        "vocabulary.yaml",
        "type: set of PersonRole",
        "type: set of PersonRoles",
        "PersonRoles",
    ),
    seed(
        Code::YamlSyntax,
        "calendars/BR.yaml",
        "holidays:",
        "holidays: ]",
        "holidays: ]",
    ),
    seed(
        Code::YamlFeature,
        "calendars/CA.yaml",
        "time_zone: ",
        "time_zone: &zone ",
        "&zone",
    ),
    seed(
        Code::DuplicateKey,
        "calendars/CH.yaml",
        "time_zone: ",
        "time_zone: Europe/Rome\ntime_zone: ",
        "time_zone: Europe/Z",
    ),
    seed(
        Code::BrokenSchema,
        "instruments/tca/form.schema.json",
        "\"type\": \"object\"",
        "\"type\": \"objekt\"",
        "objekt",
    ),
    seed(
        Code::FileMisplaced,
        "instruments/eio/modul.yaml",
        "",
        "module: instrument/eio\n",
        "",
    ),
    seed(
        Code::FormIncomplete,
        "instruments/cisa/form.schema.json",
        "",
        "{}",
        "",
    ),
    seed(Code::FileMissing, "sources.yaml", "", "", ""),
];

/// What loads and can hardly be meant.
const WARNINGS: &[Seed] = &[
    seed(
        Code::MissingTranslation,
        "instruments/eio/module.yaml",
        "      de: \"Das Formular in einer vom Vollstreckungsstaat akzeptierten Sprache übermitteln\"\n",
        "",
        "remedy:\n      en: \"Send the form in a language",
    ),
    seed(
        Code::RuleNeverLaw,
        "instruments/epoc/module.yaml",
        "  - id: epoc-16-4-c\n",
        "  - id: epoc-16-4-c\n    until: 2020-01-01\n",
        "until: 2020-01-01",
    ),
    seed(
        Code::RuleNeverAsked,
        "instruments/police-informal/module.yaml",
        "  - id: police-informal-39\n",
        "  - id: police-informal-never
    title: {en: \"Searches\"}
    cite: \"cisa art 39\"
    measures: [search]
    effect: oblige
    obligation: {kind: speciality, bound: issuing}

  - id: police-informal-39
",
        "measures: [search]",
    ),
    seed(
        Code::RuleNeverAsked,
        "jurisdictions/us/module.yaml",
        "instruments: [us-uk-data-access]\n    effect: permit",
        "instruments: [eio]\n    effect: permit",
        "instruments: [eio]",
    ),
    seed(
        Code::RuleNeverAsked,
        "instruments/uk-us-mlat/module.yaml",
        "    effect: refer\n",
        "    effect: refer\n    counterparts: [FR]\n",
        "counterparts: [FR]",
    ),
    seed(
        Code::ExceptionNeverMeets,
        "jurisdictions/de/module.yaml",
        "    exception_to: eio-22-2-consent",
        "    exception_to: eio-24-2-consent",
        "exception_to: eio-24-2-consent",
    ),
    seed(
        Code::RuleDuplicate,
        "instruments/dir-2023-977/module.yaml",
        "rules:\n",
        "rules:
  - id: swedish-one
    title: {en: \"Above a year\"}
    cite: \"dir-2023-977 art 6\"
    until: 2026-06-01
    effect: refuse
    when:
      - context.offence.max_penalty_months < 12
      - context.evidence.purpose

  - id: swedish-two
    title: {en: \"Above two years\"}
    cite: \"dir-2023-977 art 6\"
    since: 2026-01-01
    effect: refuse
    when:
      - context.offence.max_penalty_months < 24
      - context.evidence.purpose

",
        "- id: swedish-two",
    ),
    seed(
        Code::BindingBeforeSource,
        "instruments/dir-2012-29/module.yaml",
        "  SE: {since: 2015-11-16}",
        "  SE: {since: 2005-11-16}",
        "SE: {since: 2005-11-16}",
    ),
    seed(
        Code::RuleNeverHolds,
        "instruments/epoc/module.yaml",
        "      - context.objection.hours <= 240\n",
        "      - context.objection.hours <= 240\n      - context.objection.hours > 240\n",
        "context.objection.hours > 240",
    ),
    seed(
        Code::RuleAlwaysLifted,
        "instruments/untoc/module.yaml",
        "      - context.offence.max_penalty_months < 48\n    unless:\n",
        "      - context.offence.max_penalty_months < 48\n    unless:\n      - context.offence.max_penalty_months < 60\n",
        "context.offence.max_penalty_months < 60",
    ),
    seed(
        Code::RuleAlwaysLifted,
        "instruments/mla-2000/module.yaml",
        "    measures: [bank]\n    effect: permit\n",
        "    measures: [bank]\n    effect: permit\n    unless:\n      - context.measure.contains(Measure::\"bank\")\n",
        "context.measure.contains(Measure::\"bank\")",
    ),
    seed(
        Code::RuleShadowed,
        "instruments/tca/module.yaml",
        "  - id: tca-1-2-military\n",
        "  - id: tca-military-grave
    title: {en: \"Grave offences under military law\"}
    cite: \"ets-30 art 1(2)\"
    measures: [search]
    effect: refuse
    when:
      - context.offence.military == true && context.offence.max_penalty_months >= 12

  - id: tca-1-2-military
",
        "- id: tca-military-grave",
    ),
    seed(
        Code::WithoutLanguages,
        "instruments/tca/module.yaml",
        "  FR: {since: 2021-01-01, languages: [fr]",
        "  FR: {since: 2021-01-01",
        "  FR: {since: 2021-01-01",
    ),
    seed(
        Code::FilterWithoutEffect,
        "instruments/budapest/module.yaml",
        "measures: [data, interception]",
        "measures: [data, interception, search]",
        "interception, search]",
    ),
    seed(
        Code::FactNeverRead,
        "vocabulary.yaml",
        "  # States.\n",
        "  persons.famous: {type: truth, stated_by: requester, title: {en: \"Famous\"}}\n  # States.\n",
        "persons.famous",
    ),
    seed(
        Code::SourceNeverCited,
        "sources.yaml",
        "  # Germany.\n",
        "  eu-forgotten: {title: {en: \"An act that nobody cites\"}}\n  # Germany.\n",
        "eu-forgotten",
    ),
    seed(
        Code::TagNeverUsed,
        "measures.yaml",
        "  future-data:\n",
        "  past-data: {title: {en: \"Data that no longer exist\"}}\n  future-data:\n",
        "past-data",
    ),
];

#[test]
fn the_shipped_library_is_clean() {
    let (library, report) = Library::check(&shipped());
    assert!(
        library.is_some() && report.diagnostics().is_empty(),
        "{report}"
    );
}

#[test]
fn mistakes_in_modules_are_found_where_they_are() {
    let seeded = Seeded::new(
        MODULES,
        &[(
            "vocabulary.yaml",
            "  transferred:\n",
            "  lapsed:\n    title: {en: \"Lapsed\"}\n  transferred:\n",
        )],
    );
    insta::assert_snapshot!(seeded.found(Severity::Error));
}

#[test]
fn mistakes_in_shared_files_are_found_where_they_are() {
    let seeded = Seeded::new(SHARED, &[]);
    insta::assert_snapshot!(seeded.found(Severity::Error));
}

#[test]
fn what_can_hardly_be_meant_is_found_where_it_is() {
    let seeded = Seeded::new(WARNINGS, &[]);
    insta::assert_snapshot!(seeded.found(Severity::Warning));
}

#[test]
fn every_kind_is_seeded() {
    // A file that exists and cannot be read needs another user, or a megabyte.
    let elsewhere = [Code::FileUnreadable];
    let all = MODULES.iter().chain(SHARED).chain(WARNINGS);
    let seeded: BTreeSet<Code> = all.map(|seed| seed.code).chain(elsewhere).collect();
    let missing: Vec<_> = Code::ALL
        .iter()
        .filter(|code| !seeded.contains(code))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// A copy of the shipped library with mistakes in it, and what was found.
struct Seeded {
    seeds: &'static [Seed],
    dir: TempDir,
    report: Report,
    /// It loaded.
    loaded: bool,
}

impl Seeded {
    fn new(seeds: &'static [Seed], besides: &[(&str, &str, &str)]) -> Self {
        let dir = copy();
        for (file, from, to) in besides {
            edit(dir.path(), file, from, to);
        }
        for seed in seeds {
            let path = dir.path().join(seed.file);
            if seed.code == Code::FileMissing {
                fs::remove_file(path).unwrap();
            } else if path.exists() {
                edit(dir.path(), seed.file, seed.from, seed.to);
            } else {
                fs::write(path, seed.to).unwrap();
            }
        }
        let (library, report) = Library::check(dir.path());
        Self {
            seeds,
            loaded: library.is_some(),
            dir,
            report,
        }
    }

    /// The report, once every seed is in it and nothing else is.
    fn found(&self, severity: Severity) -> String {
        assert_eq!(
            self.loaded,
            severity == Severity::Warning,
            "{}",
            self.report
        );
        let mut left: Vec<&Diagnostic> = self.report.diagnostics().iter().collect();
        for seed in self.seeds {
            let line = self.line(seed);
            let found = left
                .iter()
                .position(|found| {
                    found.code == seed.code && *found.path == *seed.file && found.line == line
                })
                .unwrap_or_else(|| {
                    panic!("{}:{line}: no {}\n{}", seed.file, seed.code, self.report)
                });
            let found = left.remove(found);
            assert_eq!(found.severity(), severity);
            assert!(found.why.is_some() && found.remedy.is_some(), "{found}");
            assert!(
                found.line == 0 || found.column > 0 && !found.excerpt.is_empty(),
                "{found}"
            );
        }
        assert!(
            left.is_empty(),
            "{}",
            left.iter()
                .map(|found| format!("{found}\n\n"))
                .collect::<String>()
        );
        self.report.to_string()
    }

    /// The line of a seed; 0 where the file as a whole is meant.
    fn line(&self, seed: &Seed) -> usize {
        if seed.at.is_empty() {
            return 0;
        }
        let text = fs::read_to_string(self.dir.path().join(seed.file)).unwrap();
        let (before, _) = text
            .split_once(seed.at)
            .unwrap_or_else(|| panic!("`{}` is not in {}", seed.at, seed.file));
        before.matches('\n').count() + 1
    }
}

fn copy() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let from = shipped();
    for file in files(&from) {
        let to = dir.path().join(file.strip_prefix(&from).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(file, to).unwrap();
    }
    dir
}

fn edit(dir: &Path, file: &str, from: &str, to: &str) {
    let path = dir.join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "`{from}` is not in {file}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}
