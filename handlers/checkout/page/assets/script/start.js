document.body.classList.add("js");
addEventListener("pageshow", (event) => { if (event.persisted) leaving = false; });
showLocalTimes();
setUpCountdowns();
if (form) setUpForm();
setUpCancel();
leadOn();
follow();
