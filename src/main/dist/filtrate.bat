@echo off
rem Runs Filtrate from an unpacked distribution on Windows.
rem   FILTRATE_JAVA_OPTS  more options for the JVM, such as -Xmx8g
rem   JAVA_HOME           the JDK to use; else the one on the path
setlocal
set "HOME_DIR=%~dp0."

set "JAVA=java"
if defined JAVA_HOME set "JAVA=%JAVA_HOME%\bin\java.exe"
set "VERSION="
for /f "tokens=3" %%v in ('cmd /c ""%JAVA%" -version" 2^>^&1 ^| findstr /i "version"') do if not defined VERSION set "VERSION=%%~v"
if not defined VERSION (
  echo filtrate: no java found; install a JDK 17 or newer, or set JAVA_HOME to one >&2
  exit /b 2
)
for /f "delims=.-" %%m in ("%VERSION%") do set "MAJOR=%%m"
if %MAJOR% LSS 17 (
  echo filtrate: Java %VERSION% is too old; install a JDK 17 or newer, or set JAVA_HOME to one >&2
  exit /b 2
)
set "OMP_NUM_THREADS=1"
set "NATIVE="
if %MAJOR% GEQ 22 set "NATIVE=--enable-native-access=ALL-UNNAMED"

"%JAVA%" -Xmx2g -XX:+UseSerialGC -Xshare:auto %NATIVE% ^
  "-Dfiltrate.home=%HOME_DIR%" -Dai.djl.offline=true ^
  -Dorg.bytedeco.javacpp.maxBytes=0 -Dorg.bytedeco.javacpp.maxPhysicalBytes=0 ^
  %FILTRATE_JAVA_OPTS% ^
  -cp "%HOME_DIR%\app\filtrate.jar;%HOME_DIR%\app\lib\*" dev.filtrate.cli.Main %*
exit /b %ERRORLEVEL%
