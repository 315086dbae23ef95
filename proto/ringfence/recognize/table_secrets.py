"""Triggers for secrets and keys.

The families are those that gitleaks' rules (v8) know; the prefixes are each maker's documented ones.
"""

from __future__ import annotations

from ringfence.recognize import looks_secrets as secrets
from ringfence.recognize.trigger import ANYCASE, SOM, Trigger, label

_PREFIXES = (
    # AWS, Google, Azure
    "AKIA|ASIA|ABIA|ACCA|AIza|ya29\\.|GOCSPX-|"
    # GitHub, GitLab, Atlassian, Linear, Buildkite
    "gh[pousr]_|github_pat_|gl(?:pat|dt|rt|ptt|ft|soat|cbt|agent|imt)-|ATATT3|ATCTT3|lin_api_|bkua_|"
    # Slack, Discord's webhooks are URLs, Postman, Notion, Airtable, Figma, Contentful
    "xox[abeoprs]-|xapp-\\d-|PMAK-|ntn_|secret_[A-Za-z0-9]{20}|pat[A-Za-z0-9]{14}\\.|figd_|CFPAT-|"
    # Payments: Stripe, Square, Shopify, EasyPost, Shippo
    "[srp]k_(?:live|test)_|rk_(?:live|test)_|whsec_|sq0(?:atp|csp|idp)-|EAAAE|shp(?:at|ca|pa|ss)_|EZ[AT]K|"
    "shippo_(?:live|test)_|"
    # Models: OpenAI, Anthropic, Hugging Face, Replicate, Groq, Perplexity, xAI
    "sk-|hf_|r8_|gsk_|pplx-|xai-|"
    # Registries: npm, PyPI, RubyGems, Docker, NuGet, crates.io
    "npm_|pypi-AgE|rubygems_|dckr_(?:pat|oat)_|oy2[a-z0-9]{8}|cio[A-Za-z0-9]{20}|"
    # Clouds and hosting: DigitalOcean, Heroku, Netlify, Fly.io, Databricks, Vault, Doppler, Alibaba,
    # PlanetScale, Supabase
    "do[opr]_v1_|HRKU-|nfp_|FlyV1 |fm[12]_|dapi|hv[sbr]\\.|dp\\.(?:pt|st|ct)\\.|LTAI|pscale_(?:tkn|pw|oauth)_|sbp_|"
    # Monitoring: New Relic, Grafana, Sentry, Dynatrace
    "NRAK-|NRII-|gls[ar]_|glc_|sntry[su]_|dt0c01\\.|"
    # Mail and messages: SendGrid, Brevo, Mailgun
    "SG\\.[A-Za-z0-9_-]{4}|xkeysib-|key-[0-9a-f]{8}|"
    # Others: 1Password, age, JWT, bearer tokens
    "ops_eyJ|A3-[A-Z0-9]{6}-|AGE-SECRET-KEY-1|eyJ|[Bb]earer |Basic "
)


def triggers() -> tuple[Trigger, ...]:
    """Labelled secrets, prefixes, whole shapes, private keys, passwords in URLs."""
    return (
        Trigger(
            "secret",
            label(
                r"password|passwd|pwd|passcode|passphrase|pass ?word|kennwort|passwort|contrasena|clave(?: de "
                r"acceso)?|"
                r"mot de passe|mdp|[a-z0-9_]{0,24}secret|"
                r"client[_-]secret|[a-z0-9_]{0,24}(?:password|passwd)|"
                r"[a-z0-9_]{0,24}api[_ -]?key|apikey|[a-z0-9_]{0,24}access[_-]?key(?:[_-]id)?|"
                r"[a-z0-9_]{0,24}secret[_-]?key|account[_-]?key|"
                r"sharedaccess(?:key|signature)|signing[_-]?key|encryption[_-]?key|[a-z0-9_]{0,24}token|"
                r"private[_-]?key(?:[_-]id)?|"
                r"session[_-]?(?:id|key)|connection[_-]?string|x-api-key"
            ),
            ANYCASE,
            secrets.labelled,
        ),
        Trigger("key", rf"\b(?:{_PREFIXES})[A-Za-z0-9_-]{{4}}", SOM, secrets.key),
        Trigger("key-twilio", r"\b(?:SK|AC)[0-9a-f]{32}\b", SOM, secrets.shaped),
        Trigger("key-telegram", r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}", SOM, secrets.shaped),
        Trigger(
            "key-discord", r"\b[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,38}", SOM, secrets.shaped
        ),
        Trigger("key-azure", r"\b[A-Za-z0-9+/]{86}==", SOM, secrets.shaped),
        Trigger(
            "webhook",
            r"\bhttps://(?:hooks\.slack\.com/(?:services|workflows)/|discord(?:app)?\.com/api/webhooks/|"
            r"[a-z0-9-]{1,32}\.webhook\.office\.com/)[A-Za-z0-9/_@-]{20,200}",
            SOM,
            secrets.shaped,
        ),
        Trigger("credentials", r"://[^\s/@:'\"]{0,64}:[^\s/@'\"]{1,128}@[^\s]", SOM, secrets.credentials),
        Trigger("private-key", r"-----BEGIN [A-Z ]{0,32}PRIVATE KEY", SOM, secrets.private_key),
    )
