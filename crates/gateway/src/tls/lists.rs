//! Certificate revocation lists (RFC 5280 §5), as authorities publish them.

use std::{
    cmp::Reverse,
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, pem::PemObject as _};
use webpki::OwnedCertRevocationList;
use x509_parser::{
    oid_registry::OID_X509_EXT_ISSUER_DISTRIBUTION_POINT,
    prelude::{CertificateRevocationList, FromDer as _, X509Certificate, X509Error},
};

use super::TlsError;

/// What begins a list in PEM; a file without it is read as DER.
const PEM: &[u8] = b"-----BEGIN X509 CRL-----";

/// A list that can be used, as far as that can be told without the certificates that it
/// is to speak of.
#[derive(Debug)]
pub(super) struct List {
    /// The file that it is from.
    pub(super) path: PathBuf,
    pub(super) der: CertificateRevocationListDer<'static>,
    /// Whose certificates it is for: the authority's name, and where that has several
    /// lists, which of them.
    pub(super) scope: Vec<u8>,
    /// When it was made, in seconds since 1970.
    pub(super) made: i64,
    /// When it runs out, in seconds since 1970.
    pub(super) until: i64,
}

/// Reads all lists of a file. Each must be whole, and where it is by one of the
/// authorities it must have that one's signature; that of others is checked when a
/// certificate of theirs is.
pub(super) fn read(
    path: &Path,
    bytes: &[u8],
    authorities: &[CertificateDer<'static>],
) -> Result<Vec<List>, TlsError> {
    let unusable = |why: String| TlsError::List {
        path: path.to_owned(),
        why,
    };
    let found = if bytes.windows(PEM.len()).any(|window| window == PEM) {
        CertificateRevocationListDer::pem_slice_iter(bytes)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| unusable(error.to_string()))?
    } else {
        vec![CertificateRevocationListDer::from(bytes.to_vec())]
    };
    let lists = found.into_iter().map(|der| take(path, der, authorities));
    lists.collect::<Result<_, _>>().map_err(unusable)
}

/// Leaves the newest of several that are for the same certificates.
pub(super) fn newest(mut lists: Vec<List>) -> Vec<List> {
    lists.sort_by_key(|list| Reverse(list.made));
    let mut known = BTreeSet::new();
    lists.retain(|list| known.insert(list.scope.clone()));
    lists
}

/// Whether a list says that a certificate was revoked.
pub(super) fn has(list: &CertificateRevocationListDer<'_>, certificate: &[u8]) -> bool {
    let (Ok((_, list)), Ok((_, certificate))) = (
        CertificateRevocationList::from_der(list),
        X509Certificate::from_der(certificate),
    ) else {
        return false;
    };
    let mut revoked = list.iter_revoked_certificates();
    list.issuer().as_raw() == certificate.issuer().as_raw()
        && revoked.any(|one| one.raw_serial() == certificate.raw_serial())
}

fn take(
    path: &Path,
    der: CertificateRevocationListDer<'static>,
    authorities: &[CertificateDer<'static>],
) -> Result<List, String> {
    // What TLS makes of it counts; asked here, the error names the file.
    OwnedCertRevocationList::from_der(&der).map_err(|error| error.to_string())?;
    let (scope, made, until) = {
        let parsed = CertificateRevocationList::from_der(&der);
        let (_, list) = parsed.map_err(|error| error.to_string())?;
        if is_forged(&list, authorities) {
            return Err("it names an authority in `client_ca` that has not signed it".to_owned());
        }
        let mut parts = list.extensions().iter();
        let part = parts.find(|one| one.oid == OID_X509_EXT_ISSUER_DISTRIBUTION_POINT);
        let part = part.map_or(&[][..], |part| part.value);
        let until = list.next_update().ok_or("it does not say until when")?;
        let scope = [list.issuer().as_raw(), part].concat();
        (scope, list.last_update().timestamp(), until.timestamp())
    };
    Ok(List {
        path: path.to_owned(),
        der,
        scope,
        made,
        until,
    })
}

/// Whether authorities have the name of the one that made a list, and none the key.
fn is_forged(list: &CertificateRevocationList<'_>, authorities: &[CertificateDer<'_>]) -> bool {
    let parsed = authorities.iter().filter_map(|der| {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        Some(certificate)
    });
    let mut named = parsed
        .filter(|authority| authority.subject().as_raw() == list.issuer().as_raw())
        .map(|authority| list.verify_signature(authority.public_key()))
        .peekable();
    named.peek().is_some()
        && named.all(|signed| matches!(signed, Err(X509Error::SignatureVerificationError)))
}
