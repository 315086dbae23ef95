"""ISO 20022: which elements say who somebody is.

Source: the message definitions pain.001 to 014, pacs.002 to 028, camt.052 to 056 and acmt of the ISO 20022 catalogue:
PartyIdentification (Nm, PstlAdr, Id, CtctDtls), CashAccount (Id), FinancialInstitutionIdentification,
PaymentIdentification, RemittanceInformation; the external code sets for the kinds of personal identification.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PARTIES = frozenset(
    {
        "Assgne",
        "Assgnr",
        "Cdtr",
        "CdtrSchmeId",
        "ChqDstrbtn",
        "CtctDtls",
        "CtctPrsn",
        "Dbtr",
        "FrPty",
        "InitgPty",
        "InstrgPty",
        "InstdPty",
        "Invcee",
        "Invcr",
        "Issr",
        "LglRprtv",
        "MsgRcpt",
        "MsgSndr",
        "OrgnlCdtr",
        "OrgnlDbtr",
        "Orgtr",
        "Ownr",
        "Pty",
        "Rqstr",
        "TradPty",
        "UltmtCdtr",
        "UltmtDbtr",
    }
)
"""Elements whose ``Nm`` is somebody's: a person's or a company's."""

INSTITUTIONS = frozenset({"FinInstnId", "BrnchId", "Svcr", "CmbndId"})
"""Elements whose ``Nm`` is a bank's."""

_COMPANY_WORDS = (
    "ab ag as asbl bank banque banco bv cie co company corp corporation eg ek ev fund gbr gmbh group "
    "gruppe hospital holding inc insurance kg kgaa klinik llc llp limited ltd mbh nv oy plc pty sa sarl "
    "sas sasu sca scs se sl slu sp spa srl stiftung trust ug verein versicherung "
)
COMPANY_WORDS = frozenset(_COMPANY_WORDS.split())
"""Words that make a party's name a company's, where no OrgId or PrvtId says what it is."""

FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "AcctSvcrRef": "CASE_ID",
        "AdrLine": "ADDRESS",
        "AnyBIC": "BIC",
        "BEI": "BIC",
        "BIC": "BIC",
        "BICFI": "BIC",
        "BICOrBEI": "BIC",
        "BldgNb": "ADDRESS",
        "BldgNm": "ADDRESS",
        "ChqNb": "CASE_ID",
        "CityOfBirth": "PLACE",
        "ClrSysRef": "CASE_ID",
        "Ctry": "COUNTRY",
        "CtryOfBirth": "COUNTRY",
        "CtryOfRes": "COUNTRY",
        "Dept": "ADDRESS",
        "DstrctNm": "PLACE",
        "EmailAdr": "EMAIL",
        "EndToEndId": "CASE_ID",
        "FaxNb": "PHONE",
        "Flr": "ADDRESS",
        "IBAN": "IBAN",
        "InstrId": "CASE_ID",
        "LEI": "ID",
        "MmbId": "ACCOUNT",
        "MndtId": "CASE_ID",
        "MobNb": "PHONE",
        "MsgId": "CASE_ID",
        "NtryRef": "CASE_ID",
        "OrgnlEndToEndId": "CASE_ID",
        "OrgnlInstrId": "CASE_ID",
        "OrgnlMsgId": "CASE_ID",
        "OrgnlPmtInfId": "CASE_ID",
        "OrgnlTxId": "CASE_ID",
        "OrgnlUETR": "CASE_ID",
        "PAN": "PAN",
        "PhneNb": "PHONE",
        "PmtInfId": "CASE_ID",
        "PrvcOfBirth": "PLACE",
        "PstBx": "ADDRESS",
        "PstCd": "ADDRESS",
        "Room": "ADDRESS",
        "StrtNm": "ADDRESS",
        "SubDept": "ADDRESS",
        "TaxId": "TAX_ID",
        "TaxRefNb": "TAX_ID",
        "TwnLctnNm": "PLACE",
        "TwnNm": "PLACE",
        "TxId": "CASE_ID",
        "UETR": "CASE_ID",
        "URLAdr": "URL",
    }
)
"""Elements that are identifiers wherever they stand."""

FREE = frozenset({"Ustrd", "AddtlNtryInf", "AddtlTxInf", "AddtlRmtInf"})
"""Elements in which a payer may write anything."""

ACCOUNT_ENDS = ("Acct", "AcctId", "AcctNb")
"""Ends of the names of CashAccount elements."""

PRIVATE_IDS: Mapping[str, str] = MappingProxyType(
    {
        "ARNU": "DOCUMENT_ID",
        "CCPT": "DOCUMENT_ID",
        "CUST": "CASE_ID",
        "DRLC": "DOCUMENT_ID",
        "EMPL": "CASE_ID",
        "NIDN": "DOCUMENT_ID",
        "SOSE": "SSN",
        "TXID": "TAX_ID",
    }
)
"""ExternalPersonIdentification1Code: what PrvtId/Othr/Id is; any other is a DOCUMENT_ID."""

_ELEMENTS = (
    "Document CstmrCdtTrfInitn CstmrDrctDbtInitn CstmrPmtStsRpt FIToFICstmrCdtTrf FIToFIPmtStsRpt "
    "FIToFICstmrDrctDbt PmtRtr FICdtTrf BkToCstmrStmt BkToCstmrAcctRpt BkToCstmrDbtCdtNtfctn AppHdr "
    "GrpHdr PmtInf CdtTrfTxInf DrctDbtTxInf DrctDbtTx TxInf TxInfAndSts OrgnlGrpInfAndSts "
    "OrgnlPmtInfAndSts OrgnlTxRef StsRsnInf Rsn Cd Prtry Tp CdOrPrtry NbOfTxs CtrlSum PmtMtd BtchBookg "
    "PmtTpInf InstrPrty SvcLvl LclInstrm CtgyPurp SeqTp ReqdExctnDt ReqdColltnDt Dt DtTm CreDtTm PstlAdr "
    "AdrTp CtrySubDvsn Id PrvtId OrgId Othr SchmeNm Issr DtAndPlcOfBirth BirthDt CtctDtls NmPrfx JobTitl "
    "Rspnsblty Nm DbtrAcct CdtrAcct DbtrAgt CdtrAgt DbtrAgtAcct CdtrAgtAcct IntrmyAgt1 IntrmyAgt1Acct "
    "IntrmyAgt2 IntrmyAgt3 PrvsInstgAgt1 InstgAgt InstdAgt ChrgBr ChrgsAcct ChrgsInf ChrgsAcctAgt PmtId "
    "Amt InstdAmt EqvtAmt IntrBkSttlmAmt IntrBkSttlmDt TtlIntrBkSttlmAmt SttlmInf SttlmMtd SttlmAcct "
    "SttlmPrty SttlmTmIndctn XchgRate XchgRateInf ClrSys ClrSysId ClrSysMmbId Purp RgltryRptg Tax "
    "RltdRmtInf RmtInf Ustrd Strd RfrdDocInf RfrdDocAmt CdtrRefInf CdtrRef Ref Nb RltdDt DuePyblAmt "
    "RmtdAmt AddtlRmtInf InstrForCdtrAgt InstrForNxtAgt InstrInf MndtRltdInf DtOfSgntr AmdmntInd "
    "AmdmntInfDtls CdtrSchmeId OrgnlMndtId Acct Ccy Ownr Svcr Bal CdtDbtInd Ntry Sts BookgDt ValDt BkTxCd "
    "Domn Fmly SubFmlyCd NtryDtls Btch TxDtls Refs AmtDtls TxAmt RltdPties RltdAgts RltdDts AccptncDtTm "
    "AddtlNtryInf AddtlTxInf Stmt Rpt Ntfctn ElctrncSeqNb LglSeqNb FrToDt FrDtTm ToDtTm TxsSummry "
    "TtlNtries TtlCdtNtries TtlDbtNtries Sum TtlNetNtry CdtLine Incl RvslInd MsgPgntn PgNb LastPgInd "
    "MsgRcpt OrgnlMsgNmId GrpSts TxSts StsId PmtInfSts OrgnlNbOfTxs OrgnlCtrlSum RtrId RtrRsnInf "
    "RtrdIntrBkSttlmAmt OrgnlIntrBkSttlmAmt FinInstnId BrnchId CmbndId Pty Agt Fr To FIId BizMsgIdr "
    "MsgDefIdr BizSvc CreDt CtrlSumTtl PmtCond SplmtryData Envlp PlcAndNm UltmtDbtr UltmtCdtr "
)
ELEMENTS = frozenset(_ELEMENTS.split()) | frozenset(FIELDS) | PARTIES | INSTITUTIONS | FREE
"""Names of elements: words of the schema, which are nobody's."""
