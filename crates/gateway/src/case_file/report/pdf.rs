//! A report as a file for keeping and printing: PDF/A-2a, which a court's archive takes,
//! and PDF/UA-1, which a screen reader reads. The same report makes the same bytes.

mod face;
mod flow;
mod table;

use std::{collections::BTreeSet, fmt};

use jiff::{Timestamp, tz::TimeZone};
use krilla::{
    Document, SerializeSettings,
    action::{Action, LinkAction},
    annotation::{Annotation, LinkAnnotation, Target},
    color::rgb,
    configure::{Accessibility, Archival, ConfigurationBuilder},
    destination::XyzDestination,
    error::KrillaError,
    geom::{PathBuilder, Point, Rect},
    metadata::{DateTime, Metadata},
    outline::{Outline, OutlineNode},
    page::PageSettings,
    paint::Fill,
    surface::Surface,
    tagging::{
        Artifact, ArtifactType, ContentTag, Identifier, Node, SpanTag, Tag, TagGroup, TagTree,
    },
};

use self::{
    face::{Faces, Run, Style, Tone},
    flow::{FOOT, HEIGHT, Laid, Part, Rule, Sheet, Text, WIDTH},
};
use super::parts::Report;

/// The file, or why there is none: the same for the same report, and nothing of what it
/// says.
pub(super) fn file(report: &Report, at: Timestamp) -> Result<Vec<u8>, String> {
    let document = document(report, at).ok_or("typefaces, pages or tags cannot be made")?;
    document.finish().map_err(|error| refused(&error))
}

/// What of the form the report does not fit into, by the names of the library.
fn refused(error: &KrillaError) -> String {
    let kinds = if let KrillaError::Validation(errors) = error {
        errors.iter().map(|(one, _)| kind(one)).collect()
    } else {
        BTreeSet::from([kind(error)])
    };
    let kinds: Vec<_> = kinds.into_iter().collect();
    format!("it does not fit into PDF/A: {}", kinds.join(", "))
}

/// The name of an error without what it is about, which may be personal data.
fn kind(error: &impl fmt::Debug) -> String {
    let error = format!("{error:?}");
    error
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect()
}

fn document(report: &Report, at: Timestamp) -> Option<Document> {
    let faces = Faces::load()?;
    let laid = flow::lay(&faces, report);
    let configuration = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A2_A)
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .ok()?;
    let mut document = Document::new_with(SerializeSettings {
        configuration,
        enable_tagging: true,
        ..SerializeSettings::default()
    });
    let mut shown = Vec::with_capacity(laid.sheets.len());
    for (number, sheet) in (1..).zip(&laid.sheets) {
        let foot = format!("{number} of {}", laid.sheets.len());
        let feet = [(report.title.as_str(), false), (foot.as_str(), true)];
        shown.push(paint(&mut document, &faces, sheet, &feet)?);
    }
    document.set_outline(outline(&laid));
    document.set_metadata(metadata(report, at));
    let mut tree = TagTree::new().with_lang(Some("en".to_owned()));
    for part in laid.parts {
        tree.push(tagged(part, &shown)?);
    }
    document.set_tag_tree(tree);
    Some(document)
}

/// How a text is known to the tree of tags, with its link if it has one.
type Shown = (Identifier, Option<Identifier>);

fn paint(
    document: &mut Document,
    faces: &Faces,
    sheet: &Sheet,
    feet: &[(&str, bool)],
) -> Option<Vec<Shown>> {
    let mut page = document.start_page_with(PageSettings::from_wh(WIDTH, HEIGHT)?);
    let mut surface = page.surface();
    for rule in &sheet.rules {
        surface.start_tagged(artifact(ArtifactType::Layout));
        line(&mut surface, rule);
        surface.end_tagged();
    }
    let mut texts = Vec::with_capacity(sheet.texts.len());
    for text in &sheet.texts {
        let tag = if text.again {
            artifact(ArtifactType::PaginationOther)
        } else {
            ContentTag::Span(SpanTag::empty())
        };
        texts.push(surface.start_tagged(tag));
        write(&mut surface, faces, text);
        surface.end_tagged();
    }
    for (foot, right) in feet {
        surface.start_tagged(artifact(ArtifactType::Footer));
        write(&mut surface, faces, &at_foot(faces, foot, *right));
        surface.end_tagged();
    }
    surface.finish();
    let link = |text: &Text| Some(page.add_tagged_annotation(link(text)?));
    let links: Vec<_> = sheet.texts.iter().map(link).collect();
    page.finish();
    Some(texts.into_iter().zip(links).collect())
}

fn artifact(kind: ArtifactType) -> ContentTag<'static> {
    ContentTag::Artifact(Artifact::with_kind(kind))
}

fn at_foot(faces: &Faces, text: &str, right: bool) -> Text {
    let run = faces.run(Style::FOOT, text);
    let left = if right {
        WIDTH - flow::MARGIN - run.width
    } else {
        flow::MARGIN
    };
    Text {
        left,
        base: FOOT,
        run,
        again: true,
    }
}

fn write(surface: &mut Surface<'_>, faces: &Faces, text: &Text) {
    let Run {
        style, text: words, ..
    } = &text.run;
    surface.set_fill(Some(fill(style.tone)));
    let (font, glyphs) = faces.glyphs(&text.run);
    let start = Point::from_xy(text.left, text.base);
    surface.draw_glyphs(start, &glyphs, font, words, style.size, false);
}

fn line(surface: &mut Surface<'_>, rule: &Rule) {
    let Rule {
        left,
        top,
        width,
        height,
        tone,
    } = *rule;
    let mut path = PathBuilder::new();
    if let Some(rect) = Rect::from_xywh(left, top, width, height) {
        path.push_rect(rect);
    }
    if let Some(path) = path.finish() {
        surface.set_fill(Some(fill(tone)));
        surface.draw_path(&path);
    }
}

fn fill(tone: Tone) -> Fill {
    let color = match tone {
        Tone::Ink => rgb::Color::new(0x21, 0x1f, 0x1b),
        Tone::Soft => rgb::Color::new(0x5c, 0x57, 0x4f),
        Tone::Accent => rgb::Color::new(0x1f, 0x4f, 0x8b),
        Tone::Line => rgb::Color::new(0xcf, 0xc9, 0xbc),
    };
    Fill {
        paint: color.into(),
        ..Fill::default()
    }
}

fn link(text: &Text) -> Option<Annotation> {
    let Run {
        style, width, link, ..
    } = &text.run;
    let address = link.as_ref()?;
    let top = text.base - style.size;
    let place = Rect::from_xywh(text.left, top, *width, style.leading())?;
    let target = Target::Action(Action::Link(LinkAction::new(address.to_string())));
    let link = LinkAnnotation::new(place, target);
    Some(Annotation::new_link(link, Some(address.to_string())))
}

/// A part of the tree of tags.
fn tagged(part: Part, shown: &[Vec<Shown>]) -> Option<Node> {
    match part {
        Part::Group(tag, parts) => {
            let children = parts.into_iter().map(|part| tagged(part, shown));
            let children = children.collect::<Option<Vec<_>>>()?;
            Some(TagGroup::with_children(tag, children).into())
        }
        Part::Text { sheet, index } => {
            let (text, link) = shown.get(sheet)?.get(index)?;
            Some(match link {
                None => Node::Leaf(*text),
                Some(link) => {
                    let children = vec![Node::Leaf(*text), Node::Leaf(*link)];
                    TagGroup::with_children(Tag::Link, children).into()
                }
            })
        }
    }
}

fn outline(laid: &Laid) -> Outline {
    let mut outline = Outline::new();
    for mark in &laid.marks {
        let place = XyzDestination::new(mark.sheet, Point::from_xy(0.0, mark.top));
        outline.push_child(OutlineNode::new(mark.title.to_owned(), place));
    }
    outline
}

fn metadata(report: &Report, at: Timestamp) -> Metadata {
    let at = TimeZone::UTC.to_datetime(at);
    let small = |number: i8| u8::try_from(number).unwrap_or_default();
    let date = DateTime::new(u16::try_from(at.year()).unwrap_or_default())
        .month(small(at.month()))
        .day(small(at.day()))
        .hour(small(at.hour()))
        .minute(small(at.minute()))
        .second(small(at.second()))
        .utc_offset_hour(0)
        .utc_offset_minute(0);
    Metadata::new()
        .title(report.title.clone())
        .description(report.kicker.to_owned())
        .language("en".to_owned())
        .creator("Comity".to_owned())
        .document_id(report.title.clone())
        .creation_date(date)
}

#[cfg(test)]
mod tests;
