//! Mistakes of every kind seeded into copies of the shipped library: each is
//! found at its line, with why and with what to do, and nothing else is.
//!
//! Mistakes that do not hide each other share a copy, which is loaded once.

mod modules;
mod shared;
mod warnings;

use std::{collections::BTreeSet, fs, path::Path};

use comity_policy::{Code, Diagnostic, Library, Report, Severity};
use tempfile::TempDir;

use self::{modules::MODULES, shared::SHARED, warnings::WARNINGS};
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

#[test]
fn the_shipped_library_is_clean() {
    let (library, report) = Library::check(&shipped());
    assert!(
        library.is_some() && report.diagnostics().is_empty(),
        "{report}"
    );
}

#[test]
fn a_folder_from_before_exercises_loads_without_their_schema() {
    let dir = copy();
    fs::remove_dir_all(dir.path().join("exercises")).unwrap();
    fs::remove_file(dir.path().join("schema/exercise.schema.json")).unwrap();
    let (library, report) = Library::check(dir.path());
    assert!(library.is_some(), "{report}");
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
    shown!(seeded.found(Severity::Error));
}

#[test]
fn mistakes_in_shared_files_are_found_where_they_are() {
    let seeded = Seeded::new(SHARED, &[]);
    shown!(seeded.found(Severity::Error));
}

#[test]
fn what_can_hardly_be_meant_is_found_where_it_is() {
    let seeded = Seeded::new(WARNINGS, &[]);
    shown!(seeded.found(Severity::Warning));
}

/// What is found once this is done to a copy of the library.
fn found_after(change: impl Fn(&Path)) -> String {
    let dir = copy();
    change(dir.path());
    Library::check(dir.path()).1.to_string()
}

#[test]
fn a_module_that_is_missing_is_all_that_is_told() {
    let without = |file: &str| found_after(|dir| fs::remove_file(dir.join(file)).unwrap());
    let mut said = vec![
        without("instruments/eio/module.yaml"),
        without("jurisdictions/ee/module.yaml"),
    ];
    said.push(found_after(|dir| {
        let deep = dir.join("instruments/group/xr");
        fs::create_dir_all(&deep).unwrap();
        let module = dir.join("instruments/interpol/module.yaml");
        fs::copy(module, deep.join("module.yaml")).unwrap();
    }));
    said.push(found_after(|dir| {
        fs::create_dir(dir.join("instruments/alone")).unwrap();
        fs::write(dir.join("instruments/alone/tests.yaml"), "tests: []\n").unwrap();
    }));
    shown!(said.join("\n\n"));
}

#[test]
fn slips_in_conditions_are_told_with_what_to_write() {
    let lines = [
        "context.dual-criminality == false",
        "context.urgency == emergency",
        "context.measure == Measure::\"search\"",
        "context.urgency == Proceedings::\"criminal\"",
        "context.offence.max_penalty_months => 12",
        "context.offence.max_penalty_months ≥ 12",
        "context.offence.political und context.offence.military",
        "context.offence.political & context.offence.military",
        "context.offence.max_penalty_months > 36.5",
    ];
    let lines: String = lines.map(|line| format!("      - {line}\n")).concat();
    let rule = format!(
        "rules:
  - id: slips
    title: {{en: \"Slips\"}}
    cite: \"fd-2002-465 art 1\"
    effect: refuse
    when:
{lines}
"
    );
    let said = found_after(|dir| edit(dir, "instruments/jit/module.yaml", "rules:\n", &rule));
    shown!(said);
}

#[test]
fn slips_in_keys_and_lists_are_told_with_what_to_write() {
    let said = found_after(|dir| {
        let estonian = fs::read(dir.join("calendars/EE.yaml")).unwrap();
        fs::write(dir.join("calendars/LV.yaml"), estonian).unwrap();
        for (file, from, to) in [
            (
                "eio/module.yaml",
                "  - id: eio-11-1-b\n",
                "    id: eio-11-1-b\n",
            ),
            ("tca/module.yaml", "rules:\n", "rules: []\nrules:\n"),
            ("cisa/module.yaml", "  - id: cisa-51\n", "  - id: cisa-53\n"),
            (
                "cisa/module.yaml",
                "    measures: [",
                "    measures: search # [",
            ),
            ("cisa/module.yaml", "    when:\n      - ", "    when: "),
            (
                "cisa/module.yaml",
                "    effect: refuse\n",
                "    efect: refuse\n",
            ),
            ("cisa/tests.yaml", "outcome: APPROVED", "outcome: approved"),
        ] {
            edit(dir, &format!("instruments/{file}"), from, to);
        }
    });
    shown!(said);
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
            } else if seed.code == Code::CalendarMissing {
                fs::remove_file(dir.path().join(seed.from)).unwrap();
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

pub(super) fn copy() -> TempDir {
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
