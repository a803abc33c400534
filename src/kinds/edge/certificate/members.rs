//! What ACM answers of a certificate, and what becomes of it.

use aws_sdk_acm::types as acm;

use crate::kinds::members::{self, Members, Setting};

pub(super) const SETTINGS: &[Setting<acm::CertificateDetail>] = &[
    Setting::new("Type", |detail| {
        members::other(detail.r#type().map(acm::CertificateType::as_str), "AMAZON_ISSUED")
    }),
    Setting::new("CertificateAuthorityArn", |detail| members::text(detail.certificate_authority_arn())),
    Setting::new("Options.Export", |detail| {
        members::other(detail.options()?.export().map(aws_sdk_acm::types::CertificateExport::as_str), "DISABLED")
    }),
    // A renewal that waits for a record that somebody took away ends with a certificate that has expired.
    Setting::new("RenewalSummary.RenewalStatus", |detail| {
        let status = detail.renewal_summary()?.renewal_status().as_str();
        ["FAILED", "PENDING_VALIDATION"].contains(&status).then(|| status.to_owned())
    }),
];

pub(super) fn members() -> Vec<Members> {
    vec![Members::of(
        "acm:DescribeCertificate",
        "Certificate",
        &[
            "CertificateArn",
            "DomainName",
            "SubjectAlternativeNames",
            "DomainValidationOptions.DomainName",
            "DomainValidationOptions.ResourceRecord",
            "DomainValidationOptions.ValidationMethod",
            "DomainValidationOptions.ValidationStatus",
            "Status",
            "FailureReason",
        ],
        SETTINGS,
        &[
            ("of a validation by mail or by web", &["DomainValidationOptions"]),
            (
                "what the certificate itself says, which ACM makes",
                &[
                    "Serial",
                    "Subject",
                    "Issuer",
                    "NotBefore",
                    "NotAfter",
                    "KeyAlgorithm",
                    "SignatureAlgorithm",
                    "KeyUsages",
                    "ExtendedKeyUsages",
                ],
            ),
            (
                "says what happened to it and when",
                &[
                    "CreatedAt",
                    "IssuedAt",
                    "ImportedAt",
                    "RevokedAt",
                    "RevocationReason",
                    "RenewalEligibility",
                    "RenewalSummary",
                    "UpdateSummary",
                ],
            ),
            ("follows from who uses it", &["InUseBy", "ManagedBy"]),
            (
                "how it was requested, of which there is one way here",
                &[
                    "Options.ValidationMethod",
                    "Options.CertificateTransparencyLoggingPreference",
                    "CertificateKeyPairOrigin",
                    "AcmeEndpointArn",
                    "AcmeAccountId",
                    "CertificateUsage",
                    "RootHierarchyType",
                ],
            ),
        ],
    )]
}
