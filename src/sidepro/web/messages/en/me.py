"""Texts of what a person sees and does about their own account."""

from sidepro.web.messages.groups.me import MeTexts

TEXTS = MeTexts(
    title="My page",
    public_page="My public page",
    write_profile="Write my profile",
    write_profile_title="Write your profile",
    write_profile_hint=(
        "Choose the skills that you use, and we will recommend projects by people like you. "
        "It also tells others who you are when you ask for a coffee chat."
    ),
    edit_profile="Edit profile",
    profile_text="Your bio, skills and picture, as others see them.",
    settings="Settings",
    publish_first="Publish my first project",
    labels={
        "file": "Picture",
        "bio": "About me",
        "github_url": "GitHub address",
        "skills": "Skills",
        "region": "Region",
        "meet_time": "Good time to meet",
        "current_password": "Current password",
        "new_password": "New password",
        "password": "Password",
        "confirmed": "Confirmation",
        "email": "New email address",
        "username": "Name",
        "language": "Email language",
        "time_zone": "Time zone",
    },
    picture_hint="PNG, JPEG, WebP or GIF, up to {size}",
    picture_kind="Pictures must be PNG, JPEG, WebP or GIF.",
    picture_size="Pictures can be up to {size}. Please choose a smaller one.",
    picture_chosen="Your picture is uploaded. Save to show it on your profile.",
    picture_preview="Preview of the chosen picture",
    remove_picture="Remove my current picture",
    bio_hint="What do you build, and who would you like to talk to?",
    github_hint="https://github.com/name",
    skills_hint="Choose at least one, and at most {max}.",
    not_chosen="No answer",
    save="Save",
    cancel="Cancel",
    images="My images",
    images_text="The images of your profile and projects. Unused ones are deleted after a day.",
    no_images="No images yet",
    no_images_hint="Your picture and the images of your projects appear here.",
    quota="{used} of {limit} used",
    quota_name="Image storage",
    image_of="Image from {date}",
    in_use="In use",
    delete_image="Delete the image from {date}",
    delete="Delete",
    sessions="Logged-in devices",
    sessions_text="If you do not recognise a device, log it out and change your password.",
    device="{program} on {system}",
    unknown_device="Unknown device",
    current="This device",
    started="Logged in on {date}",
    last_used="Last used {when}",
    end_session="Log out {device}",
    end="Log out",
    end_others="Log out all other devices",
    end_all="Log out everywhere",
    end_all_text="After logging out everywhere, you have to log in again on this device too.",
    account="Account",
    account_text="The email address that you log in with, your name, language and time zone.",
    email_address="Email address",
    unverified="{address} is not verified yet. Follow the link in the email that we sent.",
    send_again="Send the email again",
    change_email="Change email address",
    change_email_text=(
        "We send a link to the new address; the address changes once you follow it. To cancel, "
        "enter your current address again."
    ),
    preferences="Name and language",
    username_hint="You can change it once in 30 days.",
    language_hint="The menu at the top of each page sets the language of pages.",
    time_zone_hint="For the dates and times on pages and in emails.",
    save_settings="Save",
    password="Change password",  # noqa: S106 - a heading
    password_text="This logs you out on all other devices.",  # noqa: S106 - a text
    new_password_hint="At least 8 characters. A long phrase is safer.",  # noqa: S106 - a hint
    change_password="Change password",  # noqa: S106 - a button
    export="Download my data",
    export_text=(
        "Everything SidePro stores about you: your profile, projects, comments and messages, "
        "as a JSON file."
    ),
    withdraw="Close my account",
    withdraw_title="Close your account?",
    withdraw_text="Your account is deleted at once. This cannot be undone.",
    what_goes_title="These are deleted too:",
    what_goes=(
        "Your profile and your images",
        "Your projects, with the comments on them",
        "Your comments on other projects, and your bookmarks",
    ),
    what_stays=(
        "The people you chatted with keep the conversations, without your name. "
        "If there is anything you want to keep, download it first."
    ),
    confirmed="I understand that this cannot be undone.",
    withdraw_button="Close my account",
)
