//! Who calls: the name in the peer's certificate.
//!
//! A certificate carries exactly one URI as subject alternative name, of the
//! form `spiffe://<trust domain>/<cc>/<authority>/<role>`.

use std::{fmt, sync::Arc};

use comity_domain::{AuthorityId, BoundParty, JurisdictionCode};
use thiserror::Error;
use tonic::Extensions;
use x509_parser::{
    extensions::SubjectAlternativeName,
    prelude::{FromDer as _, GeneralName, X509Certificate},
};

use crate::{listen::Peer, refusal::Refusal};

/// A certified caller.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Caller {
    /// The trust domain that vouches for it.
    pub trust_domain: String,
    /// The State it belongs to.
    pub jurisdiction: JurisdictionCode,
    /// The authority it speaks for.
    pub authority: AuthorityId,
    /// What it may do.
    pub role: Role,
}

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// A requesting national system.
    Issuing,
    /// An executing national system.
    Executing,
    /// A peer gateway.
    Gateway,
    /// A national backend, which the gateway calls.
    Backend,
    /// An auditor.
    Auditor,
    /// A human who decides what the law leaves to humans.
    Reviewer,
    /// A member of a legal team, who maintains rules.
    Legal,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 7] = [
        Self::Issuing,
        Self::Executing,
        Self::Gateway,
        Self::Backend,
        Self::Auditor,
        Self::Reviewer,
        Self::Legal,
    ];

    /// The role as certificates name it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Issuing => "issuing",
            Self::Executing => "executing",
            Self::Gateway => "gateway",
            Self::Backend => "backend",
            Self::Auditor => "auditor",
            Self::Reviewer => "reviewer",
            Self::Legal => "legal",
        }
    }

    /// The side of a case that it acts for: who does not ask is on the executing one.
    pub(crate) fn side(self) -> BoundParty {
        match self {
            Self::Issuing => BoundParty::Issuing,
            Self::Executing
            | Self::Backend
            | Self::Gateway
            | Self::Auditor
            | Self::Reviewer
            | Self::Legal => BoundParty::Executing,
        }
    }
}

/// The URIs among a certificate's names.
pub(crate) fn uris<'n>(names: &'n SubjectAlternativeName<'_>) -> impl Iterator<Item = &'n str> {
    names.general_names.iter().filter_map(|name| {
        if let GeneralName::URI(uri) = name {
            Some(*uri)
        } else {
            None
        }
    })
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a certificate names no caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidIdentity {
    /// No certificate was shown.
    #[error("no client certificate was shown: connect with mutual TLS")]
    NoCertificate,
    /// The certificate cannot be read.
    #[error("the certificate is no valid X.509")]
    NotX509,
    /// There is no URI in the certificate, or more than one.
    #[error("the certificate must carry exactly one URI as subject alternative name")]
    NotOneUri,
    /// The URI does not have the shape demanded.
    #[error(
        "the certificate's URI must be `spiffe://<trust domain>/<jurisdiction>/<authority>/<role>`"
    )]
    NotSpiffe,
    /// The role is not one of ours.
    #[error(
        "the certificate's role must be issuing, executing, gateway, backend, auditor, reviewer or legal"
    )]
    UnknownRole,
    /// Another trust domain than the gateway's.
    #[error("the certificate belongs to another trust domain")]
    OtherTrustDomain,
    /// It was believed when the connection was made, and is not any more.
    #[error(
        "the certificate has run out, was revoked or is not believed any more: connect with one \
         that is valid"
    )]
    Withdrawn,
}

impl Caller {
    /// The caller that a certificate names, given the trust domain that the
    /// gateway belongs to. That the certificate is genuine was checked by TLS.
    ///
    /// # Errors
    /// [`InvalidIdentity`] when the certificate names nobody of that domain.
    pub fn from_certificate(der: &[u8], trust_domain: &str) -> Result<Self, InvalidIdentity> {
        let (_, certificate) =
            X509Certificate::from_der(der).map_err(|_| InvalidIdentity::NotX509)?;
        let names = certificate
            .subject_alternative_name()
            .map_err(|_| InvalidIdentity::NotX509)?
            .ok_or(InvalidIdentity::NotOneUri)?;
        let mut uris = uris(names.value);
        match (uris.next(), uris.next()) {
            (Some(uri), None) => Self::from_uri(uri, trust_domain),
            (Some(_), Some(_)) | (None, _) => Err(InvalidIdentity::NotOneUri),
        }
    }

    /// A caller as the record names it.
    ///
    /// # Errors
    /// [`Refusal::Internal`] where the name is nobody's: the record is damaged.
    pub(crate) fn recorded(name: &str) -> Result<Self, Refusal> {
        let rest = name.strip_prefix("spiffe://").unwrap_or_default();
        let caller = Self::from_uri(name, rest.split('/').next().unwrap_or_default());
        caller.map_err(|error| Refusal::Internal(Box::new(error)))
    }

    fn from_uri(uri: &str, trust_domain: &str) -> Result<Self, InvalidIdentity> {
        let rest = uri
            .strip_prefix("spiffe://")
            .ok_or(InvalidIdentity::NotSpiffe)?;
        let parts: Vec<&str> = rest.split('/').collect();
        let [domain, jurisdiction, authority, role] = parts.as_slice() else {
            return Err(InvalidIdentity::NotSpiffe);
        };
        if *domain != trust_domain {
            return Err(InvalidIdentity::OtherTrustDomain);
        }
        let role = Role::ALL.into_iter().find(|known| known.as_str() == *role);
        Ok(Self {
            trust_domain: trust_domain.to_owned(),
            jurisdiction: jurisdiction
                .parse()
                .map_err(|_| InvalidIdentity::NotSpiffe)?,
            authority: authority.parse().map_err(|_| InvalidIdentity::NotSpiffe)?,
            role: role.ok_or(InvalidIdentity::UnknownRole)?,
        })
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            trust_domain,
            jurisdiction,
            authority,
            role,
        } = self;
        write!(
            f,
            "spiffe://{trust_domain}/{jurisdiction}/{authority}/{role}"
        )
    }
}

/// Who sent a request, from the extensions of a [`tonic::Request`] or an HTTP
/// request. The certificate was read once, when its connection was accepted.
///
/// # Errors
/// [`Refusal::Unauthenticated`] when the connection's certificate names nobody, or is not
/// believed any more.
pub fn caller(extensions: &Extensions) -> Result<Arc<Caller>, Refusal> {
    let peer = extensions
        .get::<Peer>()
        .ok_or(InvalidIdentity::NoCertificate)?;
    if peer.over.is_cancelled() {
        return Err(InvalidIdentity::Withdrawn.into());
    }
    Ok(peer.caller.clone()?)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, SanType};

    use super::*;

    fn certificate(names: Vec<SanType>) -> Vec<u8> {
        let mut parameters = CertificateParams::default();
        parameters.subject_alt_names = names;
        parameters
            .self_signed(&KeyPair::generate().unwrap())
            .unwrap()
            .der()
            .to_vec()
    }

    fn uri(uri: &str) -> SanType {
        SanType::URI(uri.try_into().unwrap())
    }

    #[track_caller]
    fn check(names: Vec<SanType>, expected: Result<&str, InvalidIdentity>) {
        let caller = Caller::from_certificate(&certificate(names), "comity.example");
        assert_eq!(
            caller.map(|caller| caller.to_string()),
            expected.map(str::to_owned)
        );
    }

    #[test]
    fn one_uri_names_the_caller() {
        for role in Role::ALL {
            let name = format!("spiffe://comity.example/DE/sta-berlin/{role}");
            check(vec![uri(&name)], Ok(&name));
            assert_eq!(Caller::recorded(&name).unwrap().to_string(), name);
        }
        let subdivision = "spiffe://comity.example/GB-SCT/copfs/executing";
        check(
            vec![
                SanType::DnsName("x.example".try_into().unwrap()),
                uri(subdivision),
            ],
            Ok(subdivision),
        );
    }

    #[test]
    fn anything_else_names_nobody() {
        let good = "spiffe://comity.example/DE/sta-berlin/issuing";
        check(vec![], Err(InvalidIdentity::NotOneUri));
        check(vec![uri(good), uri(good)], Err(InvalidIdentity::NotOneUri));
        for (name, expected) in [
            (
                "https://comity.example/DE/sta-berlin/issuing",
                InvalidIdentity::NotSpiffe,
            ),
            (
                "spiffe://comity.example/DE/sta-berlin",
                InvalidIdentity::NotSpiffe,
            ),
            (
                "spiffe://comity.example/DE/sta-berlin/issuing/",
                InvalidIdentity::NotSpiffe,
            ),
            (
                "spiffe://comity.example/de/sta-berlin/issuing",
                InvalidIdentity::NotSpiffe,
            ),
            (
                "spiffe://comity.example/DE/Sta%20Berlin/issuing",
                InvalidIdentity::NotSpiffe,
            ),
            (
                "spiffe://comity.example/DE/sta-berlin/admin",
                InvalidIdentity::UnknownRole,
            ),
            (
                "spiffe://other.example/DE/sta-berlin/issuing",
                InvalidIdentity::OtherTrustDomain,
            ),
        ] {
            check(vec![uri(name)], Err(expected));
        }
    }

    #[test]
    fn bytes_that_are_no_certificate_name_nobody() {
        assert_eq!(
            Caller::from_certificate(b"x", "x"),
            Err(InvalidIdentity::NotX509)
        );
    }

    #[test]
    fn without_a_connection_there_is_no_caller() {
        let request = tonic::Request::new(());
        assert!(matches!(
            caller(request.extensions()),
            Err(Refusal::Unauthenticated(_))
        ));
    }
}
