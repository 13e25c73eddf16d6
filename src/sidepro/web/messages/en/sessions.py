"""Texts of signing up and logging in."""

from sidepro.web.messages.groups.sessions import SessionTexts

TEXTS = SessionTexts(
    email="Email",
    username="Name",
    username_hint="The name others see: 2 to 30 letters, digits, _ and -.",
    password="Password",  # noqa: S106 - a label
    password_hint="At least 8 characters. A long phrase is safer.",  # noqa: S106 - a hint
    show_password="Show password",  # noqa: S106 - a label
    hide_password="Hide password",  # noqa: S106 - a label
    sign_up="Sign up",
    sign_up_text="Join and show your side project.",
    have_account="Already have an account?",
    log_in="Log in",
    log_in_text="Good to see you again.",
    no_account="No account yet?",
    forgotten="Forgot your password?",
    session_ended="You were logged out",
    unsent="What you wrote is still here. Log in to continue.",
    resume="Continue",
    resume_text="You are logged in again. Send what you wrote?",
    kept_text="What you wrote is still here.",
    resume_button="Send",
    verify_first="Verify your email address first",
    verify_first_text=(
        "Follow the link in the email that we sent when you signed up, then go on here. Nothing "
        "that you typed is lost."
    ),
    verified="I have verified it, go on",
    cancel="Do not send",
    free={"email": "This email is free.", "username": "This name is free."},
    taken={
        "email": "This email has an account already.",
        "username": "This name is taken.",
    },
)
