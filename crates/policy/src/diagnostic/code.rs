//! Every kind of mistake that can be found in policy files, under a name that
//! stays: machines group, count and silence by it.

use std::fmt;

/// How grave a mistake is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The library cannot be loaded.
    Error,
    /// The library loads, but it does not do what its author meant.
    Warning,
}

/// One row a kind: variant, slug, what is wrong, and what to do about it.
macro_rules! codes {
    ($($severity:ident: $variant:ident $slug:literal $title:literal $help:literal;)*) => {
        /// Kind of a mistake.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $title] $variant,)*
        }

        impl Code {
            /// Every kind, errors first.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its name for machines: lower-case words joined by hyphens.
            #[must_use]
            pub fn slug(self) -> &'static str {
                match self { $(Self::$variant => $slug,)* }
            }

            /// How grave it is.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// What is wrong, in general.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// What to do about it, in general: lower case, no period.
            #[must_use]
            pub fn help(self) -> &'static str {
                match self { $(Self::$variant => $help,)* }
            }
        }
    };
}

codes! {
    Error: FileMissing "file-missing" "A file is missing"
        "every library has vocabulary.yaml, measures.yaml, sources.yaml and the folder `schema`; every folder of a module has module.yaml, and that of a jurisdiction its registers";
    Error: FileUnreadable "file-unreadable" "A file cannot be read"
        "check that it exists, may be read and is not larger than 1 MiB";
    Error: FileMisplaced "file-misplaced" "A file that nothing reads"
        "rename it or move it out of the policy folder: law in a file nobody reads is law nobody applies";
    Error: YamlSyntax "yaml-syntax" "Not YAML"
        "mend the line shown; quotes, brackets and indentation are the usual reasons";
    Error: YamlFeature "yaml-feature" "A part of YAML that policy files do not use"
        "write values out: anchors, aliases, tags and several documents in one file are not allowed";
    Error: HiddenSign "hidden-sign" "A sign that moves what stands around it, and does not show"
        "remove it: it moves the terminal of whoever reads the text, or has other signs stand in another order than they do";
    Error: DuplicateKey "duplicate-key" "The same key twice in one map"
        "keep one of them";
    Error: TooLarge "too-large" "Too long or nested too deep"
        "split it: a condition has at most 4096 bytes and 32 levels of brackets, a file at most 32 levels of lists and maps";
    Error: UnknownKey "unknown-key" "A key that the schema does not know"
        "correct its spelling or remove it";
    Error: MissingKey "missing-key" "A key that must be there is missing"
        "add it";
    Error: MisplacedKey "misplaced-key" "A key that does not go with another"
        "remove it, or choose the effect it belongs to";
    Error: WrongType "wrong-type" "A value of another type"
        "write a value of the type the schema asks for; text that looks like a number needs quotes";
    Error: WrongValue "wrong-value" "A value that is not possible here"
        "write one of the values or the form that the schema describes";
    Error: BrokenSchema "broken-schema" "Not a JSON Schema"
        "mend the schema: forms are checked against it";
    Error: UnknownSource "unknown-source" "A citation of a source that sources.yaml does not have"
        "correct the name, or add the source with its official title";
    Error: MalformedCitation "malformed-citation" "A citation that names no provision"
        "write the provision as the law numbers it, such as `art 11(1)(g)` or `s 59(3)`";
    Error: UnknownMeasure "unknown-measure" "A measure or tag that measures.yaml does not have"
        "correct the name, or add the measure with its title";
    Error: UnknownFact "unknown-fact" "A fact that neither the vocabulary nor the form has"
        "correct the name, or add the fact to vocabulary.yaml with its type and who states it";
    Error: UnknownField "unknown-field" "A field that no request has"
        "name a field of the request as the contract does, a fact as `facts[\"name\"]`, or a field of the form as `form.name`";
    Error: UnknownType "unknown-type" "A listed type that the vocabulary does not have"
        "correct the name, or add the type with its values to vocabulary.yaml";
    Error: UnknownValue "unknown-value" "A value that its listed type does not have"
        "correct the value, or add it to the type in vocabulary.yaml";
    Error: UnknownInstrument "unknown-instrument" "An instrument that is no folder of `instruments`"
        "correct the id, or add the instrument";
    Error: UnknownRule "unknown-rule" "A rule id that no module has"
        "correct the id";
    Error: UnknownAuthority "unknown-authority" "An authority that the directory does not have"
        "correct the id, or add the authority to authorities.yaml";
    Error: DuplicateName "duplicate-name" "A name that is taken already"
        "choose another: names are unique in their list, rule ids in the whole library";
    Error: ReservedName "reserved-name" "A name with a meaning of its own"
        "choose another name";
    Error: WrongFolder "wrong-folder" "A file that does not match its place"
        "write the name of the folder, or move the file";
    Error: FormIncomplete "form-incomplete" "A form without its provision, or a provision without its form"
        "put form.schema.json beside module.yaml and name title and provision in it: both or neither";
    Error: Restatement "restatement" "A form that restates what no request says so"
        "name a field of the request, at the field of the form that says the same";
    Error: ConditionSyntax "condition-syntax" "A condition that cannot be read"
        "mend the expression at the place shown";
    Error: ConditionType "condition-type" "A condition whose types do not fit"
        "compare facts with values of their own type, and let each line be true or false";
    Error: ConditionForbidden "condition-forbidden" "Something conditions may not say"
        "compare facts of the vocabulary with values: rules see nothing else";
    Error: EmptyPeriod "empty-period" "A period that ends before it begins"
        "correct `since` or `until`; `until` is the first day that is no longer covered";
    Error: ExceptionWithinModule "exception-within-module" "An exception to a rule of the same module"
        "write it as a line of `unless` in that rule";
    Error: ExceptionToException "exception-to-exception" "An exception to a rule that is an exception itself"
        "say in `unless` of that rule when it lifts nothing, or lift the rule to which it is an exception";
    Error: NotAtDisclosure "not-at-disclosure" "An effect that comes to nothing as the answer goes back"
        "at `disclosure` a rule obliges, or lifts another one by `permit`: let it speak at the stage at which the request is still decided";
    Error: BoundAndNotBound "bound-and-not-bound" "A State that is said to be bound and not bound"
        "keep it in `binds`, with `until` where it is no longer bound, or in `not_bound`";
    Error: MutualPrecedence "mutual-precedence" "Two instruments that prevail over each other"
        "keep the precedence that the law gives: with both, neither ever carries a request";
    Error: ClockNeverStarts "clock-never-starts" "A clock whose start event nothing produces"
        "start it by an event that vocabulary.yaml says is produced, or say there who produces this one";
    Error: WithoutConfirmer "obligation-without-confirmer" "An obligation to act that nobody confirms"
        "name as `confirmer` a role on the bound side that answers for the act";
    Error: WrongConfirmer "wrong-confirmer" "A confirmer that is not on the bound side, or not needed"
        "name a role of the State that `bound` names; obligations that demand no act have no confirmer";
    Error: WrongParameter "wrong-parameter" "Parameters that do not fit the kind of obligation"
        "give the parameters that the kind of obligation needs, and no others";
    Warning: MissingTranslation "missing-translation" "A text in fewer languages than its title"
        "add the text in the missing languages: who reads the title in one of them expects the rest in it too";
    Warning: RuleNeverAsked "rule-never-asked" "A rule for which no request can exist"
        "correct its measures, instruments or counterparts, or remove it";
    Warning: RuleNeverLaw "rule-never-law" "A rule that is law only while nobody is bound"
        "correct `since` or `until` of the rule, or of the bindings";
    Warning: RuleNeverHolds "rule-never-holds" "Conditions that no request meets"
        "correct the line shown: it contradicts itself or the lines before it";
    Warning: RuleAlwaysLifted "rule-always-lifted" "A rule that is lifted whenever it holds"
        "correct or remove the line of `unless` shown";
    Warning: LineWithoutEffect "line-without-effect" "A line that says the same whatever the facts are"
        "correct the line, or remove it: the rule says the same without it";
    Warning: RuleShadowed "rule-shadowed" "A rule that adds nothing to another"
        "remove it, or narrow the other rule: whenever this one holds, the other says the same";
    Warning: RuleDuplicate "rule-duplicate" "Two versions of a rule that are law at the same time"
        "end the older one on the day on which the newer one begins, or remove one";
    Warning: ExceptionNeverMeets "exception-never-meets" "An exception that never meets its rule"
        "correct `exception_to`, or the scope or period of one of the two rules";
    Warning: BindingBeforeSource "binding-before-source" "A binding outside the time in which its source applies"
        "compare the binding with the dates of the source in sources.yaml";
    Warning: WithoutLanguages "binding-without-languages" "A State that has not declared a language its instrument asks for"
        "add `languages` to the binding: without them the language of every request is unknown";
    Warning: ExceptionToPermit "exception-to-permit" "An exception to a rule that permits"
        "where it lifts the only permit, the request is refused outright: to refuse, write `effect: refuse` without `exception_to`";
    Warning: LawGap "law-gap" "A time without law"
        "let a rule be law at that time, or correct `since` or `until`";
    Warning: CitationUnusual "citation-unusual" "A citation that is not written as others are"
        "write the provision as the library does, such as `art 11(1)(g)`, `s 59(3)`, `ch 27 s 18`, `recital 5` or `annex A`";
    Warning: AuthorityIdle "authority-idle" "An authority that may do nothing"
        "add `may_issue` or `may_execute`, or remove it";
    Warning: HolidayTwice "holiday-twice" "A holiday that stands twice"
        "remove one of the two, or correct the day";
    Warning: DayUnlikely "day-unlikely" "A day of a century that is hardly meant"
        "correct the year";
    Warning: FilterWithoutEffect "filter-without-effect" "A name in a filter that changes nothing"
        "correct or remove it: nothing that could be asked is of that name";
    Warning: ScenarioUnknownName "scenario-unknown-name" "A scenario that names what no register has"
        "correct the name, or add it to the register: `test` does not run a scenario about nobody";
    Warning: ScenarioContradiction "scenario-contradiction" "A scenario that contradicts itself"
        "correct one of the two places: no decision is both";
    Warning: ConditionCut "condition-cut" "A line of a condition that ends at a `#`"
        "put the line in single quotes, or what is a comment on a line of its own";
    Warning: WordNearlyAnother "word-nearly-another" "A word that stands once and is nearly another"
        "correct its spelling: to a program, a word that is nearly another is another";
    Warning: CalendarMissing "calendar-missing" "A State without a calendar"
        "add its calendar: without one its time limits know no holiday and end at midnight in Greenwich";
    Warning: CalendarNeverUsed "calendar-never-used" "A calendar of a State that has no module"
        "add the folder of the State, or remove its calendar";
    Warning: FormNeverAsked "form-never-asked" "A form that no request meets"
        "correct the measures it is for, or its place among the forms: the first that is for a measure is asked for";
    Warning: FactNeverRead "fact-never-read" "A fact that no rule reads"
        "remove it from vocabulary.yaml, or write the rule that reads it";
    Warning: SourceNeverCited "source-never-cited" "A source that nothing cites"
        "remove it from sources.yaml, or cite it where it is applied";
    Warning: TagNeverUsed "tag-never-used" "A tag that no filter and no condition names"
        "remove it from measures.yaml, or use it";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}
