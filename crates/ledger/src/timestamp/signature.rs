//! Who signed a token: the signature, the certificate and what it leads to. The
//! arithmetic is *ring*'s, the paths of certificates are those of `webpki`.

use cms::{
    cert::{
        CertificateChoices,
        x509::{
            Certificate,
            attr::Attributes,
            ext::pkix::{ExtendedKeyUsage, SubjectKeyIdentifier},
            spki::ObjectIdentifier,
        },
    },
    signed_data::{SignedData, SignerIdentifier, SignerInfo},
};
use der::{Any, Encode as _, Tag, Tagged as _};
use jiff::Timestamp;
use ring::digest::{self, digest};
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, ring as known};

use super::{
    NAME_MAX, Roots, TokenError,
    asn1::{SHA_256, SigningCertificate, SigningCertificateV2, TST_INFO},
    content, visible,
};

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

const SHA_384: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.2");
const SHA_512: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.3");
const CONTENT_TYPE: ObjectIdentifier = oid("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = oid("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE: ObjectIdentifier = oid("1.2.840.113549.1.9.16.2.12");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = oid("1.2.840.113549.1.9.16.2.47");
const RSA: ObjectIdentifier = oid("1.2.840.113549.1.1.1");
const RSA_PSS: ObjectIdentifier = oid("1.2.840.113549.1.1.10");
const RSA_SHA_256: ObjectIdentifier = oid("1.2.840.113549.1.1.11");
const RSA_SHA_384: ObjectIdentifier = oid("1.2.840.113549.1.1.12");
const RSA_SHA_512: ObjectIdentifier = oid("1.2.840.113549.1.1.13");
const ECDSA_SHA_256: ObjectIdentifier = oid("1.2.840.10045.4.3.2");
const ECDSA_SHA_384: ObjectIdentifier = oid("1.2.840.10045.4.3.3");
const ED25519: ObjectIdentifier = oid("1.3.101.112");
const TIME_STAMPING: ObjectIdentifier = oid("1.3.6.1.5.5.7.3.8");
/// The value of [`TIME_STAMPING`] in DER.
const TIME_STAMPING_DER: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];
const COMMON_NAME: ObjectIdentifier = oid("2.5.4.3");

/// A certificate that came with a token: read, and as it is hashed and signed.
type Known = (Certificate, CertificateDer<'static>);

/// Checks that a token is signed, once, by an authority whose certificate is for
/// timestamps alone, led to one of the roots and was valid at the time it names.
/// Answers the authority's name.
pub(super) fn verify(
    signed: &SignedData,
    roots: &Roots,
    at: Timestamp,
) -> Result<String, TokenError> {
    let [signer] = signed.signer_infos.0.as_slice() else {
        return Err(TokenError::Signature("it has not one signature"));
    };
    let certificates = certificates(signed)?;
    let (certificate, encoded) = certificates
        .iter()
        .find(|(certificate, _)| is_named(certificate, &signer.sid))
        .ok_or(TokenError::Signature("the certificate is not with it"))?;
    let attributes = signer.signed_attrs.as_ref();
    let attributes = attributes.ok_or(TokenError::Signature("it has no signed attributes"))?;
    check_attributes((signed, signer), attributes, encoded)?;
    let end = EndEntityCert::try_from(encoded).map_err(|error| chain(&error))?;
    check_signature(&end, signer, attributes)?;
    check_purpose(certificate)?;
    let others: Vec<_> = certificates
        .iter()
        .map(|(_, other)| other.clone())
        .collect();
    check_chain(&end, &others, (roots, at))?;
    Ok(name(certificate))
}

fn certificates(signed: &SignedData) -> Result<Vec<Known>, TokenError> {
    let all = signed.certificates.iter().flat_map(|set| set.0.iter());
    let certificates = all.filter_map(|one| match one {
        CertificateChoices::Certificate(certificate) => Some(certificate),
        CertificateChoices::Other(_) => None,
    });
    certificates
        .map(|certificate| {
            let encoded = certificate.to_der();
            let encoded = encoded.map_err(|_| TokenError::Malformed("a certificate"))?;
            Ok((certificate.clone(), CertificateDer::from(encoded)))
        })
        .collect()
}

/// Whether a certificate is the one that a signature names.
fn is_named(certificate: &Certificate, named: &SignerIdentifier) -> bool {
    let certificate = &certificate.tbs_certificate;
    match named {
        SignerIdentifier::IssuerAndSerialNumber(named) => {
            certificate.issuer == named.issuer && certificate.serial_number == named.serial_number
        }
        SignerIdentifier::SubjectKeyIdentifier(named) => {
            let own = certificate.get::<SubjectKeyIdentifier>();
            own.is_ok_and(|own| own.is_some_and(|(_, own)| own == *named))
        }
    }
}

/// What is signed says what it is of, and with which certificate.
fn check_attributes(
    (signed, signer): (&SignedData, &SignerInfo),
    attributes: &Attributes,
    certificate: &[u8],
) -> Result<(), TokenError> {
    let kind = attribute(attributes, CONTENT_TYPE)?;
    let kind = kind.and_then(|kind| kind.decode_as::<ObjectIdentifier>().ok());
    if kind != Some(TST_INFO) {
        return Err(TokenError::Signature(
            "it is of something else than a timestamp",
        ));
    }
    let content = content(signed).unwrap_or_default();
    let hash = digest(hash(signer.digest_alg.oid)?, content);
    let stated = attribute(attributes, MESSAGE_DIGEST)?;
    let stated = stated.filter(|stated| stated.tag() == Tag::OctetString);
    if stated.map(Any::value) != Some(hash.as_ref()) {
        return Err(TokenError::Signature("it is of another timestamp"));
    }
    if names(attributes, certificate)? {
        Ok(())
    } else {
        Err(TokenError::Signature("it names another certificate"))
    }
}

/// Whether the attributes name a certificate as the signer's, by its hash.
fn names(attributes: &Attributes, certificate: &[u8]) -> Result<bool, TokenError> {
    let malformed = |_: der::Error| TokenError::Malformed("the attribute with the certificate");
    if let Some(value) = attribute(attributes, SIGNING_CERTIFICATE_V2)? {
        let value: SigningCertificateV2 = value.decode_as().map_err(malformed)?;
        let Some(first) = value.certificates.first() else {
            return Ok(false);
        };
        let algorithm = first.algorithm.as_ref().map_or(SHA_256, |named| named.oid);
        let own = digest(hash(algorithm)?, certificate);
        return Ok(first.hash.as_bytes() == own.as_ref());
    }
    let Some(value) = attribute(attributes, SIGNING_CERTIFICATE)? else {
        return Ok(false);
    };
    let value: SigningCertificate = value.decode_as().map_err(malformed)?;
    let own = digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, certificate);
    let first = value.certificates.first();
    Ok(first.is_some_and(|first| first.hash.as_bytes() == own.as_ref()))
}

/// The one value of an attribute.
fn attribute(attributes: &Attributes, kind: ObjectIdentifier) -> Result<Option<&Any>, TokenError> {
    let mut found = attributes.iter().filter(|one| one.oid == kind);
    let first = found.next();
    let Some(first) = first else {
        return Ok(None);
    };
    match (first.values.as_slice(), found.next()) {
        ([value], None) => Ok(Some(value)),
        _ => Err(TokenError::Malformed("a signed attribute")),
    }
}

fn check_signature(
    end: &EndEntityCert<'_>,
    signer: &SignerInfo,
    attributes: &Attributes,
) -> Result<(), TokenError> {
    // As a set of its own, not as the part of the signer that it is kept as.
    let message = attributes.to_der();
    let message = message.map_err(|_| TokenError::Malformed("the signed attributes"))?;
    let signature = signer.signature.as_bytes();
    // Which of them it is, the certificate's key says.
    let algorithms = algorithms(signer)?;
    let mut verified = algorithms
        .iter()
        .map(|algorithm| end.verify_signature(*algorithm, &message, signature));
    match verified.any(|verified| verified.is_ok()) {
        true => Ok(()),
        false => Err(TokenError::Signature("the signature does not fit")),
    }
}

/// The certificate is for timestamps and nothing else, RFC 3161 § 2.3.
fn check_purpose(certificate: &Certificate) -> Result<(), TokenError> {
    match certificate.tbs_certificate.get::<ExtendedKeyUsage>() {
        Ok(Some((true, ExtendedKeyUsage(purposes)))) if purposes == [TIME_STAMPING] => Ok(()),
        Ok(_) | Err(_) => Err(TokenError::Purpose),
    }
}

fn check_chain(
    end: &EndEntityCert<'_>,
    others: &[CertificateDer<'_>],
    (roots, at): (&Roots, Timestamp),
) -> Result<(), TokenError> {
    let seconds = u64::try_from(at.as_second());
    let seconds = seconds.map_err(|_| TokenError::Malformed("the time of the token"))?;
    let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    // Those between need not name the purpose; that the first does was seen.
    let usage = KeyUsage::required_if_present(TIME_STAMPING_DER);
    let anchors = roots.anchors();
    end.verify_for_usage(
        ALL_VERIFICATION_ALGS,
        &anchors,
        others,
        at,
        usage,
        None,
        None,
    )
    .map(drop)
    .map_err(|error| chain(&error))
}

/// Why a path of certificates is none.
fn chain(error: &webpki::Error) -> TokenError {
    use webpki::Error;
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the library knows some fifty faults, and names each"
    )]
    TokenError::Chain(match error {
        Error::UnknownIssuer => "it leads to none of the roots believed here".to_owned(),
        Error::CertExpired { .. } => "it had expired when it signed".to_owned(),
        Error::CertNotValidYet { .. } => "it was not valid yet when it signed".to_owned(),
        other => other.to_string(),
    })
}

fn hash(algorithm: ObjectIdentifier) -> Result<&'static digest::Algorithm, TokenError> {
    match algorithm {
        SHA_256 => Ok(&digest::SHA256),
        SHA_384 => Ok(&digest::SHA384),
        SHA_512 => Ok(&digest::SHA512),
        other => Err(TokenError::Algorithm(other.to_string())),
    }
}

/// The ways to verify a signature, of which the key of the certificate takes one at
/// most.
fn algorithms(
    signer: &SignerInfo,
) -> Result<Vec<&'static dyn SignatureVerificationAlgorithm>, TokenError> {
    let hash = signer.digest_alg.oid;
    Ok(match (signer.signature_algorithm.oid, hash) {
        (RSA, SHA_256) | (RSA_SHA_256, _) => vec![known::RSA_PKCS1_2048_8192_SHA256],
        (RSA, SHA_384) | (RSA_SHA_384, _) => vec![known::RSA_PKCS1_2048_8192_SHA384],
        (RSA, SHA_512) | (RSA_SHA_512, _) => vec![known::RSA_PKCS1_2048_8192_SHA512],
        (RSA_PSS, SHA_256) => vec![known::RSA_PSS_2048_8192_SHA256_LEGACY_KEY],
        (RSA_PSS, SHA_384) => vec![known::RSA_PSS_2048_8192_SHA384_LEGACY_KEY],
        (RSA_PSS, SHA_512) => vec![known::RSA_PSS_2048_8192_SHA512_LEGACY_KEY],
        (ECDSA_SHA_256, _) => vec![known::ECDSA_P256_SHA256, known::ECDSA_P384_SHA256],
        (ECDSA_SHA_384, _) => vec![known::ECDSA_P256_SHA384, known::ECDSA_P384_SHA384],
        (ED25519, _) => vec![known::ED25519],
        (other, hash) => {
            return Err(TokenError::Algorithm(format!("{other} with {hash}")));
        }
    })
}

/// The common name that a certificate has, else all of the name.
fn name(certificate: &Certificate) -> String {
    let subject = &certificate.tbs_certificate.subject;
    let parts = subject.0.iter().flat_map(|part| part.0.iter());
    let mut common = parts.filter(|part| part.oid == COMMON_NAME);
    let common = common.next().map(|part| part.value.value());
    let common = common.and_then(|value| std::str::from_utf8(value).ok());
    match common {
        Some(common) => visible(common, NAME_MAX),
        None => visible(&subject.to_string(), NAME_MAX),
    }
}
