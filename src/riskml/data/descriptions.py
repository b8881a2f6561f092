"""What the columns of the catalog's data sets hold: units where the sources give them, else "not documented"."""

from __future__ import annotations

# modeldata documents no column. Units and meanings follow the dictionary of the original course material, in Spanish,
# as translated in issue 1 of github.com/gastonstat/CreditScoring. Kpts are thousands of Spanish pesetas; whether a flow
# is per month is not documented there.
CREDIT_DATA = {
    "Status": "the verdict on the customer: good or bad",
    "Seniority": "years in the job",
    "Home": "housing: rent, owner, priv (private contract), ignore (contract not known), parents, other",
    "Time": "term of the loan, months",
    "Age": "age of the applicant, years",
    "Marital": "civil status: single, married, widow, separated, divorced",
    "Records": "whether there are adverse records of the applicant: no, yes",
    "Job": "kind of job: fixed, partime, freelance, others",
    "Expenses": "expenses, thousand pesetas (Kpts); the period is not documented",
    "Income": "income, thousand pesetas (Kpts); the period is not documented",
    "Assets": "assets, thousand pesetas (Kpts)",
    "Debt": "debt still to be paid off on the assets, thousand pesetas (Kpts)",
    "Amount": "amount of the loan asked for, thousand pesetas (Kpts)",
    "Price": "price of the good that the loan pays for, thousand pesetas (Kpts)",
}

# modeldata refers to Lending Club's own data dictionary; the meanings are taken from it.
LENDING_CLUB = {
    "Class": "bad: charged off, in default, or 21 to 120 days late; good: paid back, or on time so far",
    "funded_amnt": "amount of the loan, US dollars",
    "term": "term of the loan: term_36 or term_60 months",
    "int_rate": "interest rate of the loan, per cent a year; set by the lender from its own risk grade",
    "sub_grade": "the lender's own risk grade, A1 (best) to G5",
    "addr_state": "the borrower's state (USA)",
    "verification_status": "whether the income, or its source, was verified",
    "annual_inc": "income as the borrower stated it, US dollars a year",
    "emp_length": "years in employment, in classes; emp_unk when not known",
    "delinq_2yrs": "delinquencies of 30 days and more in the last 2 years",
    "inq_last_6mths": "credit inquiries in the last 6 months",
    "revol_util": "balance of revolving credit, per cent of its limit",
    "acc_now_delinq": "accounts now delinquent",
    "open_il_6m": "instalment accounts, as counted by the column of this name (newer files call it open_act_il)",
    "open_il_12m": "instalment accounts opened in the last 12 months",
    "open_il_24m": "instalment accounts opened in the last 24 months",
    "total_bal_il": "balance of all instalment accounts, US dollars",
    "all_util": "balance of all accounts, per cent of the limit",
    "inq_fi": "inquiries by personal finance companies",
    "inq_last_12m": "credit inquiries in the last 12 months",
    "delinq_amnt": "amount past due on delinquent accounts, US dollars",
    "num_il_tl": "number of instalment accounts",
    "total_il_high_credit_limit": "highest credit, or limit, of all instalment accounts, US dollars",
}

# modeldata documents no column and refers to IBM's page. Money has no unit there; the company is set in California.
WA_CHURN = {
    "churn": "whether the customer left within the last month: No, Yes",
    "female": "1: female, 0: male",
    "senior_citizen": "1: 65 years or older",
    "partner": "1: lives with a partner",
    "dependents": "1: lives with dependents",
    "tenure": "months since the customer joined",
    "phone_service": "1: has telephone service",
    "multiple_lines": "several telephone lines: No, Yes, No phone service",
    "internet_service": "DSL, Fiber optic, No",
    "online_security": "online security service: No, Yes, No internet service",
    "online_backup": "online backup service: No, Yes, No internet service",
    "device_protection": "device protection plan: No, Yes, No internet service",
    "tech_support": "technical support plan: No, Yes, No internet service",
    "streaming_tv": "streams television: No, Yes, No internet service",
    "streaming_movies": "streams films: No, Yes, No internet service",
    "contract": "Month-to-month, One year, Two year",
    "paperless_billing": "1: bills are sent electronically",
    "payment_method": "how bills are paid",
    "monthly_charges": "the current charge for a month; the currency is not documented",
    "total_charges": "all charges so far, about tenure times monthly charge; empty for customers who have just joined",
}

# modeldata names the columns only. Minutes, calls and charges say so themselves; their period is not documented.
MLC_CHURN = {
    "state": "state (USA), two letters",
    "account_length": "age of the account; the unit is not documented",
    "area_code": "telephone area: 408, 415 or 510; it does not agree with state",
    "international_plan": "has an international plan: no, yes",
    "voice_mail_plan": "has a voice mail plan: no, yes",
    "number_vmail_messages": "number of voice mail messages",
    "total_day_minutes": "minutes of calls by day",
    "total_day_calls": "number of calls by day",
    "total_day_charge": "charge of calls by day: a fixed price times the minutes",
    "total_eve_minutes": "minutes of calls in the evening",
    "total_eve_calls": "number of calls in the evening",
    "total_eve_charge": "charge of calls in the evening: a fixed price times the minutes",
    "total_night_minutes": "minutes of calls by night",
    "total_night_calls": "number of calls by night",
    "total_night_charge": "charge of calls by night: a fixed price times the minutes",
    "total_intl_minutes": "minutes of international calls",
    "total_intl_calls": "number of international calls",
    "total_intl_charge": "charge of international calls: a fixed price times the minutes",
    "number_customer_service_calls": "number of calls to customer service",
    "churn": "whether the customer left: no, yes; when is not documented",
}

CDNOW = {
    "id": "customer",
    "date": "day of the purchase",
    "n": "number of CDs bought",
    "value": "value of the purchase, US dollars; 0 for a few",
}
