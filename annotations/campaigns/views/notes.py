"""What a rater is told when something did not go as they meant it: what happened, and what became of the answer."""

from django.utils.translation import gettext_lazy as _

from annotations.errors import InputError

NOTES = {
    # an answer that cannot be stored as it is
    "missing": _("Something is not answered yet. Nothing was sent."),
    "value": _("An answer was outside its scale, so nothing was stored. Please answer again."),
    "long": _("A text was too long, so nothing was stored. It is still here: please shorten it."),
    "same": _("One text cannot be the best and the worst. Nothing was sent."),
    "form": _("A part of the page was missing, so nothing was stored. Please send it again."),
    "key": _(
        "Your first answer to that screen had arrived and counts. What you changed afterwards was not stored; "
        "take the answer back to change it."
    ),
    # a screen that takes nothing more
    "done": _("You have answered that screen already, and that answer counts. Nothing else was stored."),
    "skipped": _("You have skipped that screen already. Nothing else was stored."),
    "gone": _(
        "While you were away, others took the last place on the screen you were at, so your answer was not stored. "
        "What you set is kept in case the place comes free again."
    ),
    "unknown": _("That screen is not one of yours, so nothing was stored."),
    # taking back
    "undone": _("Taken back. Here is that screen again."),
    "replaced": _("That answer had been taken back already, or answered again since."),
    "taken": _("Others have rated the skipped screen meanwhile, so it cannot come back."),
    "withdrawn": _("You had taken this answer back in another window. Send it again if it should count."),
    # questions before and after the screens
    "answered": _("You have answered these questions already, and those answers count. Nothing else was stored."),
    "not_due": _("These questions are not the next ones, so nothing was stored."),
    "would_stop": _("Some answers were wrong again. A rater would be stopped here; a dry run goes on."),
    # the study
    "paused": _("The study was paused before this arrived. Nothing was changed."),
    "kept": _("The study was paused before your answer arrived. What you set is kept: send it when the study goes on."),
    "ended": _("Your part in the study has ended, so this was not stored."),
    "closed": _("The study ended before this arrived. It was not stored."),
    "later": _("You can read your answers once all your screens are answered, or the study is over."),
    # who is here
    "elsewhere": _("Somebody else is rating in this browser now. Nothing is stored from this window any more."),
    "nobody": _(
        "This browser no longer knows who you are: you went on on another device, or its cookies were deleted. What "
        "you set stays in this window. Open your own link to go on."
    ),
    "joined": _(
        "Somebody has joined under this id already. If that was you, go on in the browser where you began: all your "
        "answers are there. If you cannot, write to the people who run the study; they can give you a link of your own."
    ),
    "signature": _("This link is not complete or was changed. Open it exactly as you were given it."),
    "personal": _("This id has a link of its own. Open the link that you were given, exactly as it is."),
    # recruiting
    "preview": _("This is a preview. Accept the HIT on Mechanical Turk first, then open this link again."),
    "unfilled": _(
        "The service that invited you has not put its ids into this link. Open the study on the service's own page; if "
        "this comes again, tell the people who run the study."
    ),
    "service": _("This study is for participants of a recruiting service. Open it on the service's own page."),
    "study": _("This link is of another study than this one. Open the link of the study that you were invited to."),
    "full": _(
        "This study has all the participants it needs. Nothing about you was stored. Thank you for your interest."
    ),
    "fixed": _(
        "The study is closed and its results are fixed, so answers can no longer be withdrawn. The people who run it "
        "can still delete who you are and what you typed."
    ),
    "often": _("There were too many requests from here. Please wait a while, then try again."),
    "id": _(
        "The id in this link cannot be used: it is too long or holds characters that cannot be stored. Open the link "
        "exactly as you were given it."
    ),
}


def note_named(code: str) -> str:
    return str(NOTES[code])


def note_of(error: InputError) -> str:
    return note_named(error.code) if error.code in NOTES else str(error)
