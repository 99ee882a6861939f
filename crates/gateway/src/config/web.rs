//! Addresses of web servers outside, and by which roots these are believed.

use std::ops::Range;

use hyper::Uri;

use super::file::Mistakes;

/// An address with a host and without a name and password, which would stand in logs.
pub(super) fn read_url(text: &str) -> Option<Uri> {
    let url: Uri = text.parse().ok()?;
    let known = matches!(url.scheme_str(), Some("http" | "https"));
    let plain = !url.authority()?.as_str().contains('@');
    let host = url.host().is_some_and(|host| !host.is_empty());
    (known && plain && host).then_some(url)
}

pub(super) fn is_secure(url: &Uri) -> bool {
    url.scheme_str() == Some("https")
}

/// Roots are named where they are looked at, and only there.
pub(super) fn check_roots(
    (url, at): (&Uri, Range<usize>),
    has_roots: bool,
    mistakes: &mut Mistakes<'_>,
) {
    let message = match (is_secure(url), has_roots) {
        (true, false) => {
            "`https` without `web_ca`: name the file with the root certificates that the web \
             server's must lead to"
        }
        (false, true) => "`web_ca` without `https`: it would not be looked at",
        (true, true) | (false, false) => return,
    };
    mistakes.add::<()>(Some(at), message);
}
